/**
 * What a run minimises, one row per trainer: how examples become a batch, and what the slopes of the loss are
 * with respect to each trained token's log-probability. The training loop knows no more than this.
 */
import {
  type Batch,
  demonstrationBatch,
  preferenceBatch,
} from "../preference/batch.ts";
import type { TokenPair, TokenSequence } from "../preference/token_pair.ts";
import { preferenceLoss, type PreferenceLossOptions } from "./losses.ts";
import {
  batchLoss,
  type Metrics,
  pairLogps,
  preferenceMetrics,
  sumBySequence,
  supervisedMetrics,
  type TargetStatistics,
} from "./metrics.ts";

/** What a gradient step is made of: several micro-batches weigh together. */
export interface Window {
  readonly microBatches: number;
  /** Trained tokens of all of them. */
  readonly targets: number;
}

/** The loss of a micro-batch. */
export interface Scored {
  /** The micro-batch's share of the step's loss, in nats. */
  readonly loss: number;
  /** Slope of that share with respect to each trained token's log-probability, `[targets]`. */
  readonly slopes: Float32Array<ArrayBuffer>;
  readonly metrics: Metrics;
}

/** What a run minimises over examples of one kind. */
export interface Objective<Example> {
  readonly batch: (examples: readonly Example[]) => Batch;
  /** @param reference sums of the reference's log-probabilities, `[sequences]`, if the objective has one */
  readonly score: (
    batch: Batch,
    statistics: TargetStatistics,
    reference: Float64Array,
    window: Window,
  ) => Scored;
  /** Whether a column of the reference's log-probabilities is needed. */
  readonly needsReference: boolean;
}

/** Preference optimisation: the mean of the pairs' losses, and the mean over the window's micro-batches. */
export function preferenceObjective(
  options: PreferenceLossOptions,
): Objective<TokenPair> {
  return {
    batch: preferenceBatch,
    needsReference: true,
    score(batch, statistics, reference, { microBatches }) {
      const logps = pairLogps(
        sumBySequence(statistics, batch.sequences),
        reference,
      );
      const result = preferenceLoss(logps, options);
      const share = 1 / (batch.sequences / 2) / microBatches;
      const slopes = Float32Array.from(batch.targetSequence, (sequence) => {
        const side = sequence % 2 === 0
          ? result.chosenSlopes
          : result.rejectedSlopes;
        return side[sequence >> 1]! * share;
      });
      return {
        loss: batchLoss(result) / microBatches,
        slopes,
        metrics: preferenceMetrics(logps, statistics, options),
      };
    },
  };
}

/** Supervised fine-tuning: the mean negative log-likelihood of all trained tokens of the window. */
export function supervisedObjective(): Objective<TokenSequence> {
  return {
    batch: demonstrationBatch,
    needsReference: false,
    score(batch, statistics, _reference, { targets }) {
      const { sums } = sumBySequence(statistics, batch.sequences);
      return {
        loss: -sums.reduce((total, sum) => total + sum, 0) / targets,
        slopes: new Float32Array(batch.targetRows.length).fill(-1 / targets),
        metrics: supervisedMetrics(statistics),
      };
    },
  };
}
