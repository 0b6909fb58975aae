/**
 * What a loss is given and what it gives back, for pairs and for single answers with a label:
 * types, and functions of one number that losses share. Knows no loss and no option.
 *
 * @module
 */

/**
 * Log-probabilities of a batch of pairs, in nats; every array is `[pairs]`. A sum is over the
 * tokens of an answer, weighted by token where the method says so (`ld_alpha`, means per token).
 */
export interface PairLogps {
  /** Of the chosen answers, under the policy. */
  readonly chosen: Float64Array;
  /** Of the rejected answers, under the policy. */
  readonly rejected: Float64Array;
  /** Of the chosen answers, under the reference. */
  readonly referenceChosen: Float64Array;
  /** Of the rejected answers, under the reference. */
  readonly referenceRejected: Float64Array;
  /** Trained tokens of each chosen answer; 1 where `chosen` is a mean per token already. */
  readonly chosenLengths: Float64Array;
  /** Trained tokens of each rejected answer; 1 where `rejected` is a mean per token already. */
  readonly rejectedLengths: Float64Array;
  /** Plain sums over what `sft` learns: the chosen answer, with ORPO its prompt too. */
  readonly text: Float64Array;
  /** Tokens that `text` sums. */
  readonly textLengths: Float64Array;
  /** Factor of each pair's loss, 1 unless `use_weighting`; no gradient flows through it. */
  readonly weights: Float64Array;
}

/**
 * Losses of a batch of pairs and how they move with the policy's log-probabilities. Every array is
 * `[pairs]`.
 */
export interface PairLoss {
  /** Loss of each pair, in nats; the batch's loss is their mean. */
  readonly losses: Float64Array;
  /** Slope of the SUM of `losses` with respect to each `chosen` log-probability. */
  readonly chosenSlopes: Float64Array;
  /** Slope of the SUM of `losses` with respect to each `rejected` log-probability. */
  readonly rejectedSlopes: Float64Array;
  /** Slope of the SUM of `losses` with respect to each `text` log-probability. */
  readonly textSlopes: Float64Array;
}

/** Sums of log-probabilities of single answers, in nats. Every array is `[answers]`. */
export interface AnswerLogps {
  /** Under the policy. */
  readonly answer: Float64Array;
  /** Under the reference. */
  readonly referenceAnswer: Float64Array;
  /** Another row's answer to this row's prompt; zeros if the loss does not estimate the KL. */
  readonly mismatched: Float64Array;
  /** The same under the reference. */
  readonly referenceMismatched: Float64Array;
  /** 1 where the answer is wanted, 0 where it is not. */
  readonly desirable: Uint8Array;
}

/**
 * Losses of a batch of answers and how they move with the policy's log-probabilities. Both are
 * `[answers]`.
 */
export interface AnswerLoss {
  /** Loss of each answer; the batch's loss is their mean. */
  readonly losses: Float64Array;
  /** Slope of the SUM of `losses` with respect to each `answer` log-probability. */
  readonly slopes: Float64Array;
}

/** ln(sigmoid(x)) without overflow. */
export function logSigmoid(x: number): number {
  return Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)));
}

/** 1 / (1 + exp(-x)). */
export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** A mean log-probability this near to 0 counts as no nearer: certainty has infinite odds. */
const UNSURE = -Number.EPSILON;

/** ln(p / (1 - p)) of a log-probability ln p, and its slope 1 / (1 - p). */
export function logOdds(
  logp: number,
): readonly [logOdds: number, slope: number] {
  const x = Math.min(logp, UNSURE);
  const lnRest = x > -Math.LN2
    ? Math.log(-Math.expm1(x))
    : Math.log1p(-Math.exp(x));
  return [x - lnRest, -1 / Math.expm1(x)];
}
