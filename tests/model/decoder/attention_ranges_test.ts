/** Ranges of keys against brute force: of every pair of tokens, does the one see the other. */
import { assertEquals } from "@std/assert";
import {
  areSeparate,
  queryRanges,
  windowedRanges,
} from "../../../src/model/decoder/attention_ranges.ts";
import { preferenceBatch } from "../../../src/preference/tokens/batch.ts";
import { tokenPair } from "../../../src/preference/tokens/token_examples.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

/** Prompt, chosen and rejected lengths; one pair shares nothing, one is all prompt but a token. */
const PAIRS = [[5, 3, 4], [0, 2, 6], [9, 1, 1]] as const;

const sizes = PAIRS.flatMap(([prompt, chosen, rejected], pair) => [
  { pair, part: "prompt", from: 0, count: prompt },
  { pair, part: "chosen", from: prompt, count: chosen },
  { pair, part: "rejected", from: prompt, count: rejected },
]);

/** Each row of the batch, told by hand. */
const rows = sizes.flatMap(({ pair, part, from, count }) =>
  Array.from({ length: count }, (_, i) => ({ pair, part, position: from + i }))
);

const batch = preferenceBatch(PAIRS.map(([prompt, chosen, rejected], pair) => {
  const shared = Array.from({ length: prompt }, (_, i) => i);
  const answer = (count: number, first: number) => ({
    ids: [...shared, ...Array.from({ length: count }, (_, i) => first + i)],
    completionStart: prompt,
  });
  return tokenPair(answer(chosen, 100), answer(rejected, 200), pair);
}));

function sees(query: number, key: number, window = Infinity): boolean {
  const [a, b] = [rows[query]!, rows[key]!];
  const together = a.pair === b.pair &&
    (b.part === "prompt" || b.part === a.part);
  return together && b.position <= a.position &&
    b.position > a.position - window;
}

function inRange(ranges: Uint32Array, query: number, key: number): boolean {
  return [0, 2].some((side) =>
    key >= ranges[query * 4 + side]! && key < ranges[query * 4 + side + 1]!
  );
}

for (const window of [undefined, 1, 2, 4, 7, 100]) {
  test(
    `windowedRanges() lets tokens of a shared prompt see what brute force does, window ${window}`,
    pure,
    () => {
      assertEquals(batch.tokens.length, rows.length);
      const ranges = windowedRanges(batch.ranges, batch.positions, window);
      for (const query of rows.keys()) {
        for (const key of rows.keys()) {
          assertEquals(
            inRange(ranges, query, key),
            sees(query, key, window),
            `${query} sees ${key}`,
          );
        }
      }
    },
  );

  test(
    `queryRanges() spans exactly the queries that see a key, window ${window}`,
    pure,
    () => {
      const ranges = windowedRanges(batch.ranges, batch.positions, window);
      const found = queryRanges(ranges, rows.length);
      for (const key of rows.keys()) {
        const queries = [...rows.keys()].filter((query) =>
          sees(query, key, window)
        );
        assertEquals([...found.subarray(key * 2, key * 2 + 2)], [
          queries[0],
          queries.at(-1)! + 1,
        ]);
      }
    },
  );
}

test("windowedRanges() leaves what it is given as it is", pure, () => {
  const before = batch.ranges.slice();
  windowedRanges(batch.ranges, batch.positions, 2);
  assertEquals(batch.ranges, before);
});

test("queryRanges() gives 0 to keys that nobody sees", pure, () => {
  assertEquals([...queryRanges(Uint32Array.of(0, 0, 1, 2), 3)], [
    0,
    0,
    0,
    1,
    0,
    0,
  ]);
});

test(
  "areSeparate() is true where no neighbours share a key",
  { permissions: "none", sanitizeOps: true, sanitizeResources: true },
  () => {
    const ranges = (...rows: number[][]) => Uint32Array.from(rows.flat());
    assertEquals(areSeparate(ranges()), true);
    assertEquals(areSeparate(ranges([0, 0, 4, 9])), true);
    assertEquals(areSeparate(ranges([0, 0, 0, 5], [0, 0, 8, 9])), true);
    assertEquals(areSeparate(ranges([0, 0, 8, 9], [0, 0, 0, 5])), true);
    // an empty range shares nothing
    assertEquals(areSeparate(ranges([3, 3, 0, 5], [2, 2, 8, 9])), true);
    assertEquals(areSeparate(ranges([0, 0, 0, 5], [0, 0, 0, 6])), false);
    // a sliding window, and a prompt that two completions share
    assertEquals(areSeparate(ranges([0, 0, 2, 5], [0, 0, 3, 6])), false);
    assertEquals(areSeparate(ranges([0, 4, 4, 5], [0, 4, 9, 10])), false);
  },
);
