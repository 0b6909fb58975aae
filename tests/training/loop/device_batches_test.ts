import { assertEquals } from "@std/assert";
import {
  joinStatistics,
  packDeviceBatches,
  pickStatistics,
  targetsOf,
} from "../../../src/training/loop/device_batches.ts";
import { test } from "../../test_case.ts";

const PURE = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

/** Example i has 10 (i + 1) tokens. */
function pack(
  microBatches: number[][],
  maxTokens: number | null,
  couples = false,
): number[][][] {
  const tokensOf = (examples: readonly number[]) =>
    examples.reduce((sum, i) => sum + 10 * (i + 1), 0);
  return packDeviceBatches(microBatches, { maxTokens, tokensOf, couples })
    .map((pieces) =>
      pieces.map(({ microBatch, examples }) => [microBatch, ...examples])
    );
}

test(
  "packDeviceBatches() leaves micro-batches as they are without a budget",
  PURE,
  () => assertEquals(pack([[2, 0], [1]], null), [[[0, 2, 0]], [[1, 1]]]),
);

test(
  "packDeviceBatches() splits a micro-batch, and puts parts of neighbours together",
  PURE,
  () => {
    // 30 + 10 | 20 + 20, and 50 alone though it is over the budget
    assertEquals(pack([[2, 0, 1], [1, 4]], 40), [
      [[0, 2, 0]],
      [[0, 1], [1, 1]],
      [[1, 4]],
    ]);
    assertEquals(pack([[0], [1], [2]], 60), [[[0, 0], [1, 1], [2, 2]]]);
  },
);

test(
  "packDeviceBatches() never splits examples that depend on each other",
  PURE,
  () => assertEquals(pack([[2, 0], [1]], 30, true), [[[0, 2, 0]], [[1, 1]]]),
);

const STATISTICS = (targetSequence: number[]) => {
  const column = targetSequence.map((_, i) => i);
  return {
    logps: column,
    meanLogits: column,
    entropies: column,
    correct: column,
    sumSquares: column,
    targetSequence,
  };
};

test(
  "pickStatistics() and joinStatistics() take a batch apart and together again, prompts last",
  PURE,
  () => {
    // two pairs: answers 0 0 1 | 2 3 3, then a prompt's token of each pair
    const whole = STATISTICS([0, 0, 1, 2, 3, 3, 0, 2]);
    const pieces = [0, 2].map((first) => {
      const targets = targetsOf(whole, first, 2);
      const statistics = pickStatistics(whole, targets, first);
      return { statistics, sequences: 2, promptTargets: 1 };
    });
    assertEquals(Array.from(pieces[1]!.statistics.targetSequence), [
      0,
      1,
      1,
      0,
    ]);
    assertEquals(Array.from(pieces[1]!.statistics.logps), [3, 4, 5, 7]);
    assertEquals(joinStatistics(pieces), whole);
  },
);
