import {
  assert,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import {
  type DataStep,
  dataSteps,
  epochOrder,
  inOrder,
  stepsInEpoch,
} from "../../../src/preference/tokens/epoch.ts";
import { compared, referenceEntries } from "../../reference_dir.ts";
import { eachCase, referenceTest } from "../../reference_test_case.ts";
import { readTrajectory } from "../../training/run/trajectory.ts";
import { test } from "../../test_case.ts";

const guards = { sanitizeOps: true, sanitizeResources: true } as const;
const pure = { ...guards, permissions: "none" } as const;

function take(steps: Generator<DataStep>, count: number): DataStep[] {
  return Array.from(
    { length: count },
    () => steps.next().value as DataStep,
  );
}

test({
  ...pure,
  name:
    "epochOrder() is a permutation, the same for the same seed, another for each epoch",
  fn() {
    const options = { examples: 50, batchSize: 1, seed: 7 };
    const [first, again, next] = [
      epochOrder(0, options),
      epochOrder(0, options),
      epochOrder(1, options),
    ];
    assertEquals(first, again);
    assertNotEquals(first, next);
    assertNotEquals(first, epochOrder(0, { ...options, seed: 8 }));
    assertEquals(
      [...first].sort((a, b) => a - b),
      Array.from({ length: 50 }, (_, i) => i),
    );
    assertEquals(
      epochOrder(3, { ...options, shuffle: false }),
      Array.from({ length: 50 }, (_, i) => i),
    );
  },
});

test({
  ...pure,
  name:
    "dataSteps() leaves the last micro-batch and step of an epoch short and never crosses epochs",
  fn() {
    const options = {
      examples: 7,
      batchSize: 2,
      accumulation: 3,
      shuffle: false,
    };
    const steps = take(dataSteps(options), 3);
    assertEquals(steps.map(({ microBatches }) => microBatches), [
      [[0, 1], [2, 3], [4, 5]],
      [[6]],
      [[0, 1], [2, 3], [4, 5]],
    ]);
    assertEquals(steps.map(({ epoch }) => epoch), [0.75, 1, 1.75]); // 3 of 4 micro-batches
    assertEquals(stepsInEpoch(options), 2);
    assertEquals(inOrder(3, 2), [[0, 1], [2]]);
  },
});

test({
  ...pure,
  name: "dataSteps() goes on from any position as if it had never stopped",
  fn() {
    const options = { examples: 11, batchSize: 2, accumulation: 2, seed: 3 };
    const whole = take(dataSteps(options), 9);
    for (let stop = 1; stop < 9; stop++) {
      const position = JSON.parse(JSON.stringify(whole[stop - 1]?.next));
      assertEquals(
        take(dataSteps(options, position), 9 - stop),
        whole.slice(stop),
      );
    }
  },
});

test({
  ...pure,
  name: "dataSteps() refuses sizes that are no positive integers",
  fn: () => {
    assertThrows(
      () => dataSteps({ examples: 0, batchSize: 1 }).next(),
      RangeError,
      "examples is 0",
    );
    assertThrows(
      () => dataSteps({ examples: 1, batchSize: 0.5 }).next(),
      RangeError,
      "batch_size is 0.5",
    );
  },
});

test({
  ...guards,
  name:
    "epochOrder() puts like lengths into a step and the longest first, each row once",
  permissions: "none",
  fn() {
    const lengths = Array.from({ length: 64 }, (_, i) => (i * 37) % 101);
    const options = { examples: 64, batchSize: 2, accumulation: 2, lengths };
    const order = epochOrder(3, options);
    assertEquals(order.toSorted((a, b) => a - b), [...lengths.keys()]);
    assertEquals(lengths[order[0]!], Math.max(...lengths));
    assertEquals(epochOrder(3, options), order); // resumable: a matter of epoch and seed
    // stretches of 64 / (4 * 4) steps of 4 rows fall in length, but for the place that the longest
    // left
    const rises = order.slice(1).filter((row, i) =>
      (i + 1) % 16 !== 0 && lengths[row]! > lengths[order[i]!]!
    );
    assert(rises.length <= 1, `${rises.length} rises inside stretches`);
    const { lengths: _, ...drawn } = options;
    assert(epochOrder(3, drawn).join() !== order.join());
  },
});

referenceTest(
  "dataSteps() groups examples as TRL did",
  (context) =>
    eachCase(context, referenceEntries("trajectories"), ({ folder }) => {
      const { steps, tokenized, hyperparameters } = readTrajectory(folder);
      const ours = dataSteps({
        examples: tokenized.length,
        batchSize: hyperparameters.per_device_train_batch_size,
        accumulation: hyperparameters.gradient_accumulation_steps,
        shuffle: false,
      });
      for (const { micro_batches } of steps) {
        assertEquals<unknown>(
          ours.next().value?.microBatches,
          micro_batches.map(({ examples }) => examples),
        );
      }
      compared("orders");
    }),
);
