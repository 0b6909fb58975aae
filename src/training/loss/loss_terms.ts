/**
 * What a loss is given and what it gives back, for pairs and for single answers with a label. Types, the losses' own
 * options with their defaults, and functions of a number. Knows no loss.
 *
 * @module
 */

/**
 * Log-probabilities of a batch of pairs, in nats; every array is `[pairs]`. A sum is over the tokens of an answer,
 * weighted by token where the method says so (`ld_alpha`, means per token).
 */
export interface PairLogps {
  readonly chosen: Float64Array;
  readonly rejected: Float64Array;
  readonly referenceChosen: Float64Array;
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

/** Losses of a batch of pairs and how they move with the policy's log-probabilities. Every array is `[pairs]`. */
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
  readonly answer: Float64Array;
  readonly referenceAnswer: Float64Array;
  /** Another row's answer to this row's prompt; zeros where the loss needs none. */
  readonly mismatched: Float64Array;
  readonly referenceMismatched: Float64Array;
  /** 1 where the answer is wanted, 0 where it is not. */
  readonly desirable: Uint8Array;
}

/** Losses of a batch of answers and how they move with the policy's log-probabilities. Both are `[answers]`. */
export interface AnswerLoss {
  /** Loss of each answer; the batch's loss is their mean. */
  readonly losses: Float64Array;
  /** Slope of the SUM of `losses` with respect to each `answer` log-probability. */
  readonly slopes: Float64Array;
}

/** Names of f-divergences. */
export const divergenceNames = [
  "reverse_kl",
  "forward_kl",
  "js_divergence",
  "alpha_divergence",
] as const;

/** What the losses may depend on beside the log-probabilities. */
export interface LossOptions {
  /** Strength of the pull towards the reference; 0.1 to 0.5 is usual. */
  readonly beta: number;
  /** Share of pairs that are taken to be labelled the wrong way round, 0 to 0.5. */
  readonly label_smoothing: number;
  /** How policy and reference are compared; `reverse_kl` is DPO. */
  readonly f_divergence_type: typeof divergenceNames[number];
  /** The alpha of `alpha_divergence`; 1 is `reverse_kl`. */
  readonly f_alpha_divergence_coef: number;
  /** Temperature of the blend in `discopop`. */
  readonly discopop_tau: number;
  /** Factor of the penalty in `dpop`. */
  readonly dpop_lambda: number;
  /** Margin that `simpo` asks for, in nats times beta. */
  readonly simpo_gamma: number;
  /** Factor of the squared sum of a pair's rewards, which keeps them near 0. */
  readonly center_rewards_coefficient: number;
  /** Factor of wanted answers' losses. */
  readonly desirable_weight: number;
  /** Factor of unwanted answers' losses. */
  readonly undesirable_weight: number;
}

/** TRL's defaults; of `dpop_lambda` the paper's. */
export const lossDefaults: LossOptions = {
  beta: 0.1,
  label_smoothing: 0,
  f_divergence_type: "reverse_kl",
  f_alpha_divergence_coef: 0.5,
  discopop_tau: 0.05,
  dpop_lambda: 50,
  simpo_gamma: 0.5,
  center_rewards_coefficient: 0,
  desirable_weight: 1,
  undesirable_weight: 1,
};

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
