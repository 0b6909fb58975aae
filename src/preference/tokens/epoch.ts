/**
 * The order of examples: a seeded permutation per epoch, cut into micro-batches and into steps of
 * one or more micro-batches (gradient accumulation). As in TRL, the last micro-batch and the last
 * step of an epoch may be short, and no step crosses epochs.
 */
import { Random } from "../../base/random.ts";

/** The next step to take. It is plain data and part of a checkpoint. */
export interface DataPosition {
  /** Number of finished epochs. */
  readonly epoch: number;
  /** Number of finished steps of this epoch. */
  readonly step: number;
}

/** The examples of one optimizer step. */
export interface DataStep {
  /** Indices of examples, a list for each micro-batch. */
  readonly microBatches: readonly (readonly number[])[];
  /**
   * Epochs that are done after this step, as it is logged: 1.5 is the middle of the second epoch.
   */
  readonly epoch: number;
  /** The position after this step. */
  readonly next: DataPosition;
}

/** How examples are ordered and grouped. */
export interface EpochOptions {
  /** Number of examples. */
  readonly examples: number;
  /** Examples per micro-batch. */
  readonly batchSize: number;
  /** Micro-batches per step (`gradient_accumulation_steps`). Default 1. */
  readonly accumulation?: number;
  /** Whether each epoch has a random order; false takes the order of the file. Default true. */
  readonly shuffle?: boolean;
  /** The seed of the order. Default 42. */
  readonly seed?: number;
  /**
   * Number of tokens of each example, `[examples]`. If given, examples of similar length are
   * grouped.
   */
  readonly lengths?: readonly number[] | undefined;
}

/** The position at the start of a run. */
export const DATA_START: DataPosition = { epoch: 0, step: 0 };

/**
 * Indices of the examples in the order of one epoch. It depends on the seed and the epoch alone.
 */
export function epochOrder(
  epoch: number,
  options: EpochOptions,
): number[] {
  const { examples, shuffle = true, seed = 42, lengths } = options;
  const order = Array.from({ length: examples }, (_, i) => i);
  // The epoch is the high half of the seed, so that no two epochs of any two seeds are equal.
  if (shuffle) new Random((seed >>> 0) + epoch * 2 ** 32).shuffle(order);
  return lengths === undefined ? order : groupByLength(order, lengths, options);
}

/**
 * Sorts stretches of up to 50 steps by length, longest first, and puts the longest example of all
 * in front: if the first step fits in memory, all steps do. This is transformers'
 * `group_by_length`.
 */
function groupByLength(
  order: readonly number[],
  lengths: readonly number[],
  { batchSize, accumulation = 1 }: EpochOptions,
): number[] {
  const step = batchSize * accumulation;
  const steps = Math.min(
    50,
    Math.max(1, Math.floor(order.length / (4 * step))),
  );
  const lengthOf = (i: number) => lengths[i] ?? 0;
  const sorted = groups(order, steps * step).flatMap((stretch) =>
    stretch.sort((a, b) => lengthOf(b) - lengthOf(a))
  );
  const longest = sorted.reduce(
    (best, i, at) => lengthOf(i) > lengthOf(sorted[best]!) ? at : best,
    0,
  );
  if (sorted.length > 0) {
    [sorted[0], sorted[longest]] = [sorted[longest]!, sorted[0]!];
  }
  return sorted;
}

/** Cuts a list into groups of `size`; the last group may be smaller. */
function groups<T>(items: readonly T[], size: number): T[][] {
  return Array.from(
    { length: Math.ceil(items.length / size) },
    (_, i) => items.slice(i * size, (i + 1) * size),
  );
}

/** Optimizer steps in one epoch. */
export function stepsInEpoch(
  { examples, batchSize, accumulation = 1 }: EpochOptions,
): number {
  return Math.ceil(Math.ceil(examples / batchSize) / accumulation);
}

/**
 * The steps from a position on, without end; the caller stops.
 *
 * @throws {RangeError} if there are no examples, or sizes are not positive integers
 */
export function* dataSteps(
  options: EpochOptions,
  from: DataPosition = DATA_START,
): Generator<DataStep> {
  const { examples, batchSize, accumulation = 1 } = options;
  const sizes = {
    examples,
    batch_size: batchSize,
    gradient_accumulation_steps: accumulation,
  };
  for (const [name, size] of Object.entries(sizes)) {
    if (!Number.isInteger(size) || size < 1) {
      throw new RangeError(
        `Cannot order examples: ${name} is ${size}, expected an integer of 1 or more`,
      );
    }
  }
  for (let epoch = from.epoch;; epoch++) {
    const microBatches = groups(epochOrder(epoch, options), batchSize);
    const steps = groups(microBatches, accumulation);
    const first = epoch === from.epoch ? from.step : 0;
    for (let i = first; i < steps.length; i++) {
      const taken = Math.min((i + 1) * accumulation, microBatches.length);
      const isLast = i + 1 === steps.length;
      yield {
        microBatches: steps[i] as number[][],
        epoch: epoch + taken / microBatches.length,
        next: isLast ? { epoch: epoch + 1, step: 0 } : { epoch, step: i + 1 },
      };
    }
  }
}

/**
 * Micro-batches over all examples once and in order, for evaluation and for the reference's pass.
 */
export function inOrder(examples: number, batchSize: number): number[][] {
  return groups(Array.from({ length: examples }, (_, i) => i), batchSize);
}
