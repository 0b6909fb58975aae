/**
 * What one micro-batch tells, under the names that TRL logs. Plain arithmetic over numbers that were read back;
 * meter.ts averages them.
 *
 * @module
 */
import type { PairLogps, PairLoss } from "./losses.ts";

/** Names to values, as `metrics.jsonl` has them. */
export type Metrics = Readonly<Record<string, number>>;

/** What the device reports of each trained token. Every array is `[targets]`. */
export interface TargetStatistics {
  /** Log-probability of the token, in nats. */
  readonly logps: ArrayLike<number>;
  /** Mean of the raw logits over the vocabulary. */
  readonly meanLogits: ArrayLike<number>;
  /** Entropy of the distribution that predicts it, in nats. */
  readonly entropies: ArrayLike<number>;
  /** 1 where the token has the largest logit, else 0. */
  readonly correct: ArrayLike<number>;
  /** Its sequence: `2 * pair` is chosen, `2 * pair + 1` rejected. */
  readonly targetSequence: ArrayLike<number>;
}

/** Sums `logps` over each sequence in float64, `[sequences]`, and counts its tokens, `[sequences]`. */
export function sumBySequence(
  { logps, targetSequence }: Pick<TargetStatistics, "logps" | "targetSequence">,
  sequences: number,
): { readonly sums: Float64Array; readonly lengths: Float64Array } {
  const sums = new Float64Array(sequences);
  const lengths = new Float64Array(sequences);
  for (let i = 0; i < targetSequence.length; i++) {
    const sequence = targetSequence[i] ?? 0;
    sums[sequence] = (sums[sequence] ?? 0) + (logps[i] ?? NaN);
    lengths[sequence] = (lengths[sequence] ?? 0) + 1;
  }
  return { sums, lengths };
}

/** Log-probability sums of policy and reference as `preferenceLoss()` takes them; both `[2 * pairs]`, chosen first of each pair. */
export function pairLogps(
  { sums, lengths }: {
    readonly sums: ArrayLike<number>;
    readonly lengths: ArrayLike<number>;
  },
  referenceSums: ArrayLike<number>,
): PairLogps {
  const half = (array: ArrayLike<number>, offset: 0 | 1) =>
    Float64Array.from(
      { length: sums.length / 2 },
      (_, pair) => array[2 * pair + offset] ?? NaN,
    );
  return {
    chosen: half(sums, 0),
    rejected: half(sums, 1),
    referenceChosen: half(referenceSums, 0),
    referenceRejected: half(referenceSums, 1),
    chosenLengths: half(lengths, 0),
    rejectedLengths: half(lengths, 1),
  };
}

/** The mean of a column; 0 of none. */
function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ?? NaN;
  return values.length === 0 ? 0 : sum / values.length;
}

/** The mean over the trained tokens for which `wanted(sequence)` holds; 0 of none. */
function tokenMean(
  values: ArrayLike<number>,
  { targetSequence }: TargetStatistics,
  wanted: (sequence: number) => boolean,
): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    if (!wanted(targetSequence[i] ?? 0)) continue;
    sum += values[i] ?? NaN;
    count++;
  }
  return count === 0 ? 0 : sum / count;
}

const isChosen = (sequence: number) => sequence % 2 === 0;
const isRejected = (sequence: number) => sequence % 2 === 1;
const isAny = () => true;

/** `beta * (policy - reference)`, in nats, `[pairs]`, whatever the loss: the implicit rewards of Sec. 5 of https://arxiv.org/abs/2305.18290. */
export function implicitRewards(
  logps: PairLogps,
  beta: number,
): { readonly chosen: Float64Array; readonly rejected: Float64Array } {
  const { chosen, rejected, referenceChosen, referenceRejected } = logps;
  return {
    chosen: chosen.map((x, i) => beta * (x - (referenceChosen[i] ?? NaN))),
    rejected: rejected.map((x, i) =>
      beta * (x - (referenceRejected[i] ?? NaN))
    ),
  };
}

/** float32 sums of one sequence in two batches may be so far apart, relative to their size. */
const SUM_ROUNDING = 1e-6;

/**
 * How far from 0 the difference of two log-ratios can be by rounding alone, in nats: policy and reference run in
 * batches of different make-up, so that a tie is not an exact 0 as it is where both run in one batch.
 */
function rounding(logps: PairLogps, pair: number): number {
  const { chosen, rejected, referenceChosen, referenceRejected } = logps;
  const sums = [chosen, rejected, referenceChosen, referenceRejected];
  return SUM_ROUNDING *
    sums.reduce((sum, column) => sum + Math.abs(column[pair] ?? NaN), 0);
}

/** The metrics of one micro-batch of pairs. */
export function preferenceMetrics(
  logps: PairLogps,
  tokens: TargetStatistics,
  { beta }: { readonly beta: number },
): Metrics {
  const rewards = implicitRewards(logps, beta);
  const margins = rewards.chosen.map((x, i) =>
    x - (rewards.rejected[i] ?? NaN)
  );
  return {
    "rewards/chosen": mean(rewards.chosen),
    "rewards/rejected": mean(rewards.rejected),
    "rewards/accuracies": mean(
      margins.map((x, i) => x > beta * rounding(logps, i) ? 1 : 0), // a tie is no win
    ),
    "rewards/margins": mean(margins),
    "logps/chosen": mean(logps.chosen),
    "logps/rejected": mean(logps.rejected),
    "logits/chosen": tokenMean(tokens.meanLogits, tokens, isChosen),
    "logits/rejected": tokenMean(tokens.meanLogits, tokens, isRejected),
    "entropy": tokenMean(tokens.entropies, tokens, isAny),
    "mean_token_accuracy": tokenMean(tokens.correct, tokens, isChosen),
  };
}

/** The metrics of one micro-batch of supervised fine-tuning. */
export function supervisedMetrics(tokens: TargetStatistics): Metrics {
  return {
    "entropy": tokenMean(tokens.entropies, tokens, isAny),
    "mean_token_accuracy": tokenMean(tokens.correct, tokens, isAny),
  };
}

/** The loss of a micro-batch: the mean over its pairs, in nats. */
export function batchLoss({ losses }: Pick<PairLoss, "losses">): number {
  return mean(losses);
}

/** One batch of an evaluation. */
export interface EvaluatedBatch {
  /** Pairs, or sequences for supervised fine-tuning. */
  readonly size: number;
  readonly loss: number;
  readonly metrics: Metrics;
  /** Tokens that attention saw, prompts counted for both halves. */
  readonly attendedTokens: number;
}

/**
 * An evaluation's row, names with `eval_`: the loss weighted by the size of the batches, all else the plain mean of
 * the batches, as TRL has it.
 *
 * @throws {RangeError} If there is no batch
 */
export function evaluationMetrics(batches: readonly EvaluatedBatch[]): Metrics {
  if (batches.length === 0) {
    throw new RangeError(
      "Cannot evaluate: found no batch, expected at least one",
    );
  }
  const total = (of: (batch: EvaluatedBatch) => number) =>
    batches.reduce((sum, batch) => sum + of(batch), 0);
  const size = total((batch) => batch.size);
  const names = Object.keys(batches[0]?.metrics ?? {});
  return {
    eval_loss: total((batch) => batch.loss * batch.size) / size,
    ...Object.fromEntries(names.map((name) => [
      `eval_${name}`,
      mean(batches.map((batch) => batch.metrics[name] ?? NaN)),
    ])),
    eval_num_tokens: total((batch) => batch.attendedTokens),
  };
}
