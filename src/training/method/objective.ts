/**
 * What a run minimises: how examples become a batch, what a reference model's column holds, and
 * what the loss of a batch and its slopes are. The training loop knows no more of a method than
 * this.
 */
import type { Batch } from "../../preference/tokens/batch.ts";
import type { TokenSequence } from "../../preference/tokens/token_examples.ts";
import type { StepShare, TokenSlopes } from "../loss/token_slopes.ts";
import type { TargetStatistics } from "../loss/token_sums.ts";
import type { Metrics } from "./metrics.ts";

/** The loss of a batch. */
export interface Scored {
  /** The batch's share of the step's loss, in nats. */
  readonly loss: number;
  /** Slope of that share with respect to each trained token's log-probability, `[targets]`. */
  readonly slopes: TokenSlopes;
  readonly metrics: Metrics;
}

/** What a run minimises over examples of one kind. */
export interface Objective<Example> {
  /** Lays examples out for the model. */
  readonly batch: (examples: readonly Example[]) => Batch;
  /** The sequences of an example, as a batch numbers them. */
  readonly sequences: (example: Example) => readonly TokenSequence[];
  /** What a reference's column holds of a batch, `[sequences]`, in nats. */
  readonly column: (batch: Batch, statistics: TargetStatistics) => Float64Array;
  /** Names what `column` depends on beside weights and tokens; "" for plain sums. */
  readonly columnKey: string;
  /**
   * The loss of a batch and its slopes, from the log-probabilities that were read from the device.
   *
   * @param reference the reference's column of this batch, `[sequences]`, if the objective has one
   */
  readonly score: (
    batch: Batch,
    statistics: TargetStatistics,
    reference: Float64Array,
    share: StepShare,
  ) => Scored;
  /** Whether a column of the reference's log-probabilities is needed. */
  readonly needsReference: boolean;
  /** Whether the examples of a micro-batch depend on each other, so that they must run together. */
  readonly couples: boolean;
  /** Whether its loss may be of either sign. */
  readonly signed: boolean;
}
