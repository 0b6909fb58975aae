/**
 * What a run minimises: how examples become a batch, what a reference model's column holds, and what the slopes of the
 * loss are with respect to each trained token's log-probability. The training loop knows no more than this.
 */
import {
  type Batch,
  demonstrationBatch,
  preferenceBatch,
} from "../../preference/tokens/batch.ts";
import type { TokenBin } from "../../preference/tokens/bins.ts";
import {
  feedbackBatch,
  type MismatchedFeedback,
} from "../../preference/tokens/mismatched_feedback.ts";
import type {
  TokenPair,
  TokenSequence,
} from "../../preference/tokens/token_pair.ts";
import { lossRows } from "../loss/losses.ts";
import {
  answerMetrics,
  answerTokenMetrics,
  batchLoss,
  type Metrics,
  supervisedMetrics,
} from "./metrics.ts";
import type { TargetStatistics } from "../loss/token_sums.ts";
import { pairMetrics } from "./pair_metrics.ts";
import { answerLoss, preferenceLoss } from "../loss/preference_loss.ts";
import {
  scoreMargins,
  type ScoreTerms,
  scoreWeights,
  withMargins,
} from "../loss/score_terms.ts";
import {
  answersOnly,
  half,
  lengthDesensitisedWeights,
  meanWeights,
  pairLogps,
  policyWeights,
  sumBySequence,
  textSums,
} from "../loss/token_sums.ts";
import {
  lossTerms,
  type MethodOptions,
  type PairTrainer,
  trainerRows,
} from "./trainers.ts";

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
  /** The sequences of an example, as a batch numbers them. */
  readonly sequences: (example: Example) => readonly TokenSequence[];
  /** What a reference's column holds of a batch, `[sequences]`, in nats. */
  readonly column: (batch: Batch, statistics: TargetStatistics) => Float64Array;
  /** Names what `column` depends on beside weights and tokens; "" for plain sums. */
  readonly columnKey: string;
  /** @param reference the reference's column of this batch, `[sequences]`, if the objective has one */
  readonly score: (
    batch: Batch,
    statistics: TargetStatistics,
    reference: Float64Array,
    window: Window,
  ) => Scored;
  /** Whether a column of the reference's log-probabilities is needed. */
  readonly needsReference: boolean;
  /** Whether the examples of a micro-batch depend on each other, so that they must run together. */
  readonly couples: boolean;
}

/** How pairs are trained on. */
export interface PairObjectiveOptions extends MethodOptions, ScoreTerms {
  /** Default `dpo`. */
  readonly trainer?: PairTrainer;
  /** LD-DPO: weight of an answer's tokens beyond the length of the shorter one; null: all count 1. */
  readonly ld_alpha?: number | null;
  /** WPO: whether each pair weighs as it is likely under the policy. */
  readonly use_weighting?: boolean;
}

/** Sums per sequence of the batch's answers, with tokens weighted as the method has it. */
function answerSums(
  batch: Batch,
  tokens: TargetStatistics,
  { ld_alpha = null, means }: {
    readonly ld_alpha?: number | null | undefined;
    readonly means: boolean;
  },
): { sums: Float64Array; lengths: Float64Array; weights: Float64Array } {
  const { targetSequence } = tokens;
  const weights = means
    ? meanWeights(targetSequence, batch.sequences)
    : lengthDesensitisedWeights(targetSequence, batch.sequences, ld_alpha ?? 1);
  const { sums, lengths } = sumBySequence(tokens, batch.sequences, weights);
  return { sums, lengths: means ? lengths.fill(1) : lengths, weights };
}

/** Several factors of each pair as one, `[pairs]`. */
function productOf(
  factors: readonly (Float64Array | undefined)[],
  pairs: number,
): Float64Array {
  return new Float64Array(pairs).fill(1).map((one, i) =>
    factors.reduce((product, factor) => product * (factor?.[i] ?? 1), one)
  );
}

/** Pairs, against a reference or without, or rewards of their answers: the mean of the pairs' losses, and the mean over the window's micro-batches. */
export function preferenceObjective(
  options: PairObjectiveOptions,
): Objective<TokenPair> {
  const { trainer = "dpo", use_weighting = false } = options;
  const { hasReference } = trainerRows[trainer];
  const rewards = trainer === "reward";
  const terms = lossTerms(trainer, options);
  const how = {
    ld_alpha: options.ld_alpha,
    means: !hasReference &&
      terms.loss_type.some((name) => lossRows[name].averages),
  };
  return {
    batch: (pairs) =>
      preferenceBatch(pairs, {
        promptTargets: trainer === "orpo",
        lastOnly: rewards,
      }),
    sequences: ({ chosen, rejected }) => [chosen, rejected],
    needsReference: hasReference,
    couples: terms.loss_type.some((name) => "couples" in lossRows[name]),
    columnKey: typeof how.ld_alpha === "number"
      ? `ld_alpha ${how.ld_alpha}`
      : "",
    column: (batch, statistics) =>
      answerSums(batch, answersOnly(statistics, batch), how).sums,
    score(batch, statistics, reference, { microBatches }) {
      const tokens = answersOnly(statistics, batch);
      const { weights, ...sums } = answerSums(batch, tokens, how);
      const factors = [
        use_weighting ? policyWeights(tokens, batch.sequences) : undefined,
        scoreWeights(batch, options),
      ];
      const logps = pairLogps(sums, reference, {
        ...textSums(statistics, batch.sequences),
        weights: productOf(factors, batch.sequences / 2),
      });
      const margins = scoreMargins(
        batch,
        options,
        rewards ? batch.margins : undefined,
      );
      const result = preferenceLoss(
        withMargins(logps, margins, rewards ? 1 : options.beta),
        terms,
      );
      const share = 1 / (batch.sequences / 2) / microBatches;
      const slopes = Float32Array.from(batch.targetSequence, (sequence, t) => {
        const pair = sequence >> 1;
        const [side, text] = sequence % 2 === 0
          ? [result.chosenSlopes[pair]!, result.textSlopes[pair]!]
          : [result.rejectedSlopes[pair]!, 0];
        return (side * (weights[t] ?? 0) + text) * share;
      });
      return {
        loss: batchLoss(result) / microBatches,
        slopes,
        metrics: pairMetrics(trainer, logps, tokens, terms),
      };
    },
  };
}

/** Single answers with a label: the mean of their losses, and the mean over the window's micro-batches. */
export function feedbackObjective(
  options: MethodOptions,
): Objective<MismatchedFeedback> {
  const terms = lossTerms("kto", options);
  return {
    batch: feedbackBatch,
    sequences: ({ sequence, mismatched }) => [sequence, mismatched],
    needsReference: true,
    couples: terms.loss_type.some((name) => "couples" in lossRows[name]),
    columnKey: "",
    column: (batch, statistics) =>
      sumBySequence(statistics, batch.sequences).sums,
    score(batch, statistics, reference, { microBatches }) {
      const { sums } = sumBySequence(statistics, batch.sequences);
      const desirable = batch.desirable ?? new Uint8Array();
      const logps = {
        answer: half(sums, 0),
        mismatched: half(sums, 1),
        referenceAnswer: half(reference, 0),
        referenceMismatched: half(reference, 1),
        desirable,
      };
      const result = answerLoss(logps, terms);
      const share = 1 / desirable.length / microBatches;
      return {
        loss: batchLoss(result) / microBatches,
        slopes: Float32Array.from(
          batch.targetSequence,
          (sequence) =>
            sequence % 2 === 0 ? result.slopes[sequence >> 1]! * share : 0,
        ),
        metrics: {
          ...answerMetrics(logps, terms),
          ...answerTokenMetrics(statistics, desirable),
        },
      };
    },
  };
}

/** Supervised fine-tuning: the mean negative log-likelihood of all trained tokens of the window. */
export function supervisedObjective(): Objective<TokenSequence> {
  return {
    batch: demonstrationBatch,
    sequences: (sequence) => [sequence],
    needsReference: false,
    couples: false,
    columnKey: "",
    column: (batch, statistics) =>
      sumBySequence(statistics, batch.sequences).sums,
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

/** The same over bins of rows: a bin's rows are sequences of the batch, each by itself. */
export function packedObjective(): Objective<TokenBin> {
  const { batch, ...own } = supervisedObjective();
  return {
    ...own,
    batch: (bins) => batch(bins.flatMap(({ sequences }) => sequences)),
    sequences: ({ sequences }) => sequences,
  };
}
