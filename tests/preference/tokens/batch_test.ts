import { assertEquals } from "@std/assert";
import { Random } from "../../../src/base/random.ts";
import {
  type Batch,
  demonstrationBatch,
  preferenceBatch,
  sequenceBatch,
} from "../../../src/preference/tokens/batch.ts";
import {
  type TokenPair,
  tokenPair,
  type TokenSequence,
} from "../../../src/preference/tokens/token_examples.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

/** What a row sees: the (position, token) of every key, in order. */
function seen(batch: Batch, row: number): string {
  const [prefixStart = 0, prefixEnd = 0, ownStart = 0, ownEnd = 0] = batch
    .ranges.subarray(4 * row, 4 * row + 4);
  const rows = [];
  for (let key = prefixStart; key < prefixEnd; key++) rows.push(key);
  for (let key = ownStart; key < ownEnd; key++) rows.push(key);
  return rows.map((key) => `${batch.positions[key]}:${batch.tokens[key]}`).join(
    " ",
  );
}

/** The targets of a batch: sequence, what the predictor sees, the token. */
function targets(batch: Batch): string[] {
  return [...batch.targetTokens].map((token, i) =>
    `${batch.targetSequence[i]} | ${
      seen(batch, batch.targetRows[i] ?? -1)
    } -> ${token}`
  );
}

/** The same, from whole sequences by the definition of a causal model. */
function expected(sequences: readonly TokenSequence[]): string[] {
  return sequences.flatMap(({ ids, completionStart }, sequence) =>
    ids.flatMap((token, t) => {
      if (t < Math.max(1, completionStart)) return [];
      const keys = ids.slice(0, t).map((id, position) => `${position}:${id}`);
      return [`${sequence} | ${keys.join(" ")} -> ${token}`];
    })
  );
}

function randomPair(random: Random, line: number): TokenPair {
  const ids = (most: number) =>
    Array.from({ length: random.below(most + 1) }, () => random.below(3));
  const [prompt, first, second] = [ids(6), ids(5), ids(5)];
  const half = (rest: number[]) => ({
    ids: [...prompt, ...rest],
    completionStart: random.below(prompt.length + 1),
  });
  return tokenPair(half(first), half(second), line);
}

test({
  ...pure,
  name:
    "preferenceBatch() lets every target see exactly what it would see in its own full sequence",
  fn() {
    const random = new Random(5);
    for (let round = 0; round < 300; round++) {
      const pairs = Array.from(
        { length: 1 + random.below(4) },
        (_, i) => randomPair(random, i),
      );
      const batch = preferenceBatch(pairs);
      const halves = pairs.flatMap((
        { chosen, rejected },
      ) => [chosen, rejected]);
      assertEquals(targets(batch), expected(halves));
      assertEquals(batch.sequences, halves.length);
      assertEquals(
        batch.attendedTokens,
        halves.reduce((sum, { ids }) => sum + ids.length, 0),
      );
    }
  },
});

test({
  ...pure,
  name:
    "preferenceBatch() lies as prefix, chosen rest, rejected rest, and computes the prefix once",
  fn() {
    const pair = tokenPair({ ids: [7, 8, 1, 2], completionStart: 2 }, {
      ids: [7, 8, 3],
      completionStart: 2,
    }, 1);
    const batch = preferenceBatch([pair, pair]);
    assertEquals([...batch.tokens], [7, 8, 1, 2, 3, 7, 8, 1, 2, 3]);
    assertEquals([...batch.positions], [0, 1, 2, 3, 2, 0, 1, 2, 3, 2]);
    // row: prefix_start prefix_end own_start own_end
    assertEquals([...batch.ranges.subarray(0, 20)], [
      ...[0, 0, 0, 1],
      ...[0, 0, 0, 2],
      ...[0, 2, 2, 3],
      ...[0, 2, 2, 4],
      ...[0, 2, 4, 5],
    ]);
    assertEquals([...batch.ranges.subarray(36)], [5, 7, 9, 10]);
    assertEquals([...batch.targetRows], [1, 2, 1, 6, 7, 6]);
    assertEquals([...batch.targetTokens], [1, 2, 3, 1, 2, 3]);
    assertEquals([...batch.targetSequence], [0, 0, 1, 2, 2, 3]);
    assertEquals([batch.sequences, batch.attendedTokens], [4, 14]);
  },
});

test({
  ...pure,
  name:
    "preferenceBatch() takes sequences that share nothing, and answers that are empty",
  fn() {
    const apart = tokenPair({ ids: [1, 2], completionStart: 0 }, {
      ids: [3],
      completionStart: 0,
    }, 1);
    // a first token has no predictor
    assertEquals(targets(preferenceBatch([apart])), ["0 | 0:1 -> 2"]);
    const empty = tokenPair({ ids: [1, 2], completionStart: 2 }, {
      ids: [1, 2, 3],
      completionStart: 2,
    }, 1);
    assertEquals(targets(preferenceBatch([empty])), ["1 | 0:1 1:2 -> 3"]);
    assertEquals(preferenceBatch([]).tokens.length, 0);
  },
});

test({
  ...pure,
  name:
    "demonstrationBatch() trains completions, sequenceBatch() every token but the first",
  fn() {
    const sequences = [{ ids: [1, 2, 3], completionStart: 2 }, {
      ids: [4, 5],
      completionStart: 0,
    }];
    assertEquals(targets(demonstrationBatch(sequences)), expected(sequences));
    const whole = sequences.map(({ ids }) => ({ ids, completionStart: 0 }));
    assertEquals(
      targets(sequenceBatch(sequences.map(({ ids }) => ids))),
      expected(whole),
    );
    assertEquals(demonstrationBatch(sequences).attendedTokens, 5);
  },
});

test({
  ...pure,
  name: "demonstrationBatch() trains the spans of a conversation alone",
  fn() {
    const spans = [[1, 2], [4, 6]] as const;
    const talk = { ids: [1, 2, 3, 4, 5, 6, 7], completionStart: 1, spans };
    const batch = demonstrationBatch([
      { ids: [9, 8], completionStart: 1 },
      talk,
    ]);
    assertEquals([...batch.targetTokens], [8, 2, 5, 6]);
    assertEquals([...batch.targetRows], [0, 2, 5, 6]); // rows 2 to 8 are the conversation's
    assertEquals([...batch.targetSequence], [0, 1, 1, 1]);
  },
});
