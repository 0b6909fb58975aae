/** How many steps a run takes, and over which examples: arithmetic on its options. */
import { type EpochOptions, windowsPerEpoch } from "../preference/epoch.ts";
import { tokenCount } from "../preference/token_count.ts";
import type { TrainOptions } from "./options.ts";
import type { RunLength } from "./run_events.ts";

/** An example as far as its order goes. */
type Countable = Parameters<typeof tokenCount>[0];

/**
 * The order of a run's examples and the number of its steps.
 *
 * @throws {RangeError} if no example is left
 */
export function runLength(
  options: TrainOptions,
  examples: readonly Countable[],
): RunLength & { readonly order: EpochOptions } {
  const order: EpochOptions = {
    examples: examples.length,
    batchSize: options.per_device_train_batch_size,
    accumulation: options.gradient_accumulation_steps,
    shuffle: options.shuffle,
    seed: options.seed,
    ...(options.group_by_length ? { lengths: examples.map(tokenCount) } : {}),
  };
  if (order.examples === 0) {
    throw new RangeError(
      "Cannot train: no example is left, expected at least one; run inspect to see why rows were dropped",
    );
  }
  const stepsPerEpoch = windowsPerEpoch(order);
  const totalSteps = options.max_steps > 0
    ? options.max_steps
    : Math.ceil(options.num_train_epochs * stepsPerEpoch);
  return { order, stepsPerEpoch, totalSteps };
}
