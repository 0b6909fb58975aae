/**
 * How many steps a run takes, over which examples, and how much work that is. Arithmetic on the
 * options, nothing else.
 */
import {
  type EpochOptions,
  stepsInEpoch,
} from "../../preference/tokens/epoch.ts";
import { tokenCount } from "../../preference/tokens/token_examples.ts";
import {
  type ProductSizes,
  tokenOperations,
} from "../../model/decoder/token_operations.ts";
import type { TrainOptions } from "../options/options.ts";
import type { RunLength } from "./run_events.ts";

/** An example whose tokens can be counted. */
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
    lengths: options.group_by_length ? examples.map(tokenCount) : undefined,
  };
  if (order.examples === 0) {
    throw new RangeError(
      "Cannot train: no example is left, expected at least one; run inspect to see why rows were dropped",
    );
  }
  const stepsPerEpoch = stepsInEpoch(order);
  const totalSteps = options.max_steps > 0
    ? options.max_steps
    : Math.ceil(options.num_train_epochs * stepsPerEpoch);
  return { order, stepsPerEpoch, totalSteps };
}

/** Forward, and two passes backward at most: the gradients of activations and of weights. */
const PASSES = 3;

/** About how many operations the products of all steps with the weights of blocks take. */
export function runOperations(
  config: ProductSizes,
  options: TrainOptions,
  examples: readonly Countable[],
): number {
  const { totalSteps, stepsPerEpoch } = runLength(options, examples);
  const tokens = examples.reduce((sum, one) => sum + tokenCount(one), 0);
  return PASSES * tokenOperations(config) * tokens * totalSteps /
    stepsPerEpoch;
}
