/** Bins of rows, against those of TRL 1.13's pack_dataset. */
import { assertEquals, assertThrows } from "@std/assert";
import { demonstrationBatch } from "../../../src/preference/tokens/batch.ts";
import {
  packBins,
  type PackingStrategy,
} from "../../../src/preference/tokens/bins.ts";
import {
  type TokenDemonstration,
  trainedSpans,
} from "../../../src/preference/tokens/token_examples.ts";
import { methods } from "../../../src/training/method/methods.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

/** Row `i` has the ids `100 * i ...`, and is trained from its second token on. */
function rowsOf(lengths: readonly number[]): TokenDemonstration[] {
  return lengths.map((length, i) => ({
    ids: Array.from({ length }, (_, t) => 100 * i + t),
    completionStart: Math.min(1, length),
    line: i,
  }));
}

function ids(
  lengths: readonly number[],
  maxLength: number,
  strategy: PackingStrategy,
): number[][][] {
  return packBins(rowsOf(lengths), { maxLength, strategy })
    .map(({ sequences }) => sequences.map((one) => [...one.ids]));
}

const BFD: readonly [maxLength: number, lengths: number[], bins: number[][]][] =
  [
    [
      10,
      [4, 10, 9, 3, 6, 10, 8, 10, 2, 10, 1, 8],
      [[1], [5], [7], [9], [2, 10], [6, 8], [11], [4, 0], [3]],
    ],
    [
      32,
      [
        ...[17, 15, 13, 31, 31, 26, 10, 15, 10, 25, 1, 5, 11, 3, 20, 2, 18, 31],
        ...[25, 28, 26, 29, 9, 24, 7, 3, 9, 32, 14, 17, 28, 20, 27, 25, 23, 27],
        ...[15, 22, 2, 18],
      ],
      [
        ...[[27], [3, 10], [4], [17], [21, 13], [19, 25], [30, 38], [32, 11]],
        ...[[35], [5], [20], [9, 24], [18], [33], [23], [34, 22], [37, 6]],
        ...[[14, 12], [31, 8, 15], [16, 28], [39, 2], [0, 1], [29, 7]],
        [36, 26],
      ],
    ],
  ];

for (const [maxLength, lengths, bins] of BFD) {
  test({
    ...pure,
    name:
      `packBins() puts ${lengths.length} rows into the bins of TRL's bfd for ${maxLength} tokens`,
    fn() {
      const packed = packBins(rowsOf(lengths), { maxLength, strategy: "bfd" });
      assertEquals(packed.map(({ lines }) => lines), bins);
    },
  });
}

test({
  ...pure,
  name: "packBins() splits and wraps as TRL's bfd_split and wrapped do",
  fn() {
    const lengths = [5, 2, 3, 1, 9];
    assertEquals(ids(lengths, 4, "bfd_split"), [
      [[0, 1, 2, 3]],
      [[400, 401, 402, 403]],
      [[404, 405, 406, 407]],
      [[200, 201, 202], [4]],
      [[100, 101], [300], [408]],
    ]);
    assertEquals(ids(lengths, 4, "wrapped"), [
      [[0, 1, 2, 3]],
      [[4, 100, 101, 200]],
      [[201, 202, 300, 400]],
      [[401, 402, 403, 404]],
      [[405, 406, 407, 408]],
    ]);
  },
});

test({
  ...pure,
  name: "packBins() keeps which tokens are trained, across cuts too",
  fn() {
    for (const strategy of ["bfd_split", "wrapped"] as const) {
      const bins = packBins(rowsOf([5, 2, 3]), { maxLength: 4, strategy });
      const trained = bins.flatMap(({ sequences }) => sequences)
        .flatMap((one) =>
          trainedSpans(one).flatMap(([from, to]) => one.ids.slice(from, to))
        );
      // all tokens but the first of each row
      assertEquals(trained.toSorted(), [1, 2, 3, 4, 101, 201, 202].toSorted());
    }
    assertThrows(
      () => packBins(rowsOf([5]), { maxLength: 4, strategy: "bfd" }),
      RangeError,
      "found 5 tokens, expected at most 4",
    );
  },
});

test({
  ...pure,
  name: "methods.sft lays bins out as their rows by themselves",
  fn() {
    const rows = rowsOf([4, 3, 2, 3]);
    const bins = packBins(rows, { maxLength: 6, strategy: "bfd" });
    const order = bins.flatMap(({ lines }) => lines.map((line) => rows[line]!));
    assertEquals(
      methods.sft.objective({}).batch(bins),
      demonstrationBatch(order),
    );
  },
});
