/**
 * The losses of a step, from its log-probabilities, on the CPU. Each piece that ran on the device
 * gets its loss and the slopes of its tokens; each micro-batch gets the metrics that are logged.
 * Knows no device.
 */
import type { TokenSlopes } from "../loss/token_slopes.ts";
import type { TargetStatistics } from "../loss/token_sums.ts";
import type { Metrics } from "../method/metrics.ts";
import type { Objective, Scored } from "../method/objective.ts";
import type { RouterLoss } from "./router_loss.ts";
import { joinStatistics, pickStatistics, targetsOf } from "./device_batches.ts";
import type {
  Dataset,
  DeviceBatch,
  PreparedPiece,
  StepBatches,
} from "./step_batches.ts";

/** What was read of a device batch. */
export interface ReadLogps {
  readonly policy: TargetStatistics;
  /** The same of a reference that moves; undefined if the reference is a column. */
  readonly movingReference: TargetStatistics | undefined;
}

/** A piece with its log-probabilities and its loss. */
export interface ScoredPiece {
  readonly piece: PreparedPiece;
  readonly statistics: TargetStatistics;
  readonly reference: Float64Array;
  readonly scored: Scored;
}

/** The losses of a device batch. */
export interface DeviceBatchLosses {
  readonly pieces: readonly ScoredPiece[];
  /** Slope of the step's loss with respect to each trained token's log-probability, `[targets]`. */
  readonly slopes: TokenSlopes;
}

/** The loss and the metrics of a micro-batch. */
export interface MicroBatchResult {
  /** Its share of the step's loss, in nats. */
  readonly loss: number;
  readonly metrics: Metrics;
  /** Tokens that attention saw, prompts counted for both halves. */
  readonly attendedTokens: number;
}

/** The losses of the pieces of a device batch, each as its part of the step. */
export function deviceBatchLosses<Example>(
  objective: Objective<Example>,
  { batch, pieces }: DeviceBatch,
  { policy, movingReference }: ReadLogps,
  step: StepBatches,
): DeviceBatchLosses {
  const slopes: TokenSlopes = new Float32Array(batch.targetRows.length);
  let first = 0;
  const scoredPieces = pieces.map((piece): ScoredPiece => {
    const { sequences } = piece.batch;
    const targets = targetsOf(batch, first, sequences);
    const ofPiece = (all: TargetStatistics) =>
      pieces.length === 1 ? all : pickStatistics(all, targets, first);
    const statistics = ofPiece(policy);
    const reference = movingReference === undefined
      ? piece.reference
      : objective.column(piece.batch, ofPiece(movingReference));
    const scored = objective.score(piece.batch, statistics, reference, {
      parts: step.microBatches.length / piece.share,
      targets: step.targets,
    });
    for (const [k, t] of targets.entries()) slopes[t] = scored.slopes[k]!;
    first += sequences;
    return { piece, statistics, reference, scored };
  });
  return { pieces: scoredPieces, slopes };
}

/** The loss and the metrics of each micro-batch of a step. */
export function microBatchResults<Example>(
  objective: Objective<Example>,
  data: Dataset<Example>,
  step: StepBatches,
  pieces: readonly ScoredPiece[],
): MicroBatchResult[] {
  return step.microBatches.map((_, number) => {
    const own = pieces.filter(({ piece }) => piece.microBatch === number);
    const attendedTokens = own.reduce(
      (sum, { piece }) => sum + piece.batch.attendedTokens,
      0,
    );
    const [only] = own;
    const { loss, metrics } = own.length === 1
      ? only!.scored
      : joinedScore(objective, data, step, own);
    return { loss, metrics, attendedTokens };
  });
}

/**
 * Adds the router loss of each micro-batch, `[microBatches]`, to its loss and, as TRL's `aux_loss`,
 * to its metrics.
 */
export function withRouterLoss(
  results: readonly MicroBatchResult[],
  routerLoss: RouterLoss | undefined,
  values: readonly number[],
): readonly MicroBatchResult[] {
  if (!routerLoss) return results;
  return results.map(({ loss, metrics, attendedTokens }, i) => ({
    loss: loss + routerLoss.coefficient * values[i]! / results.length,
    metrics: { ...metrics, aux_loss: values[i]! },
    attendedTokens,
  }));
}

/**
 * The loss and the metrics of a micro-batch that ran in several pieces. It is scored once more, as
 * a whole, because its metrics cannot be made of those of its pieces (a ratio, a sorted loss).
 */
function joinedScore<Example>(
  objective: Objective<Example>,
  data: Dataset<Example>,
  step: StepBatches,
  pieces: readonly ScoredPiece[],
): Scored {
  const indices = pieces.flatMap(({ piece }) => piece.examples);
  const batch = objective.batch(indices.map((i) => data.examples[i]!));
  const statistics = joinStatistics(pieces.map(({ piece, statistics }) => ({
    statistics,
    sequences: piece.batch.sequences,
    promptTargets: piece.batch.promptTargets ?? 0,
  })));
  const reference = Float64Array.from(
    pieces.flatMap(({ reference }) => [...reference]),
  );
  return objective.score(batch, statistics, reference, {
    parts: step.microBatches.length,
    targets: step.targets,
  });
}
