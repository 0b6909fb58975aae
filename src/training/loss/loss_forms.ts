/**
 * The forms of losses: a loss depends on one margin, on two log-ratios, on sorted columns, or on
 * the text alone. A form turns the formula of one pair, with its derivative, into a function of the
 * whole batch.
 *
 * @module
 */
import { divergenceScore } from "./divergences.ts";
import type { LossOptions } from "./loss_options.ts";
import {
  type AnswerLogps,
  type AnswerLoss,
  logSigmoid,
  type PairLogps,
  type PairLoss,
  sigmoid,
} from "./loss_terms.ts";

/** The loss of a batch of pairs. */
export type PairForm = (logps: PairLogps, options: LossOptions) => PairLoss;

/** The loss of a batch of answers. */
export type AnswerForm = (
  logps: AnswerLogps,
  options: LossOptions,
) => AnswerLoss;

/**
 * Loss of one margin and its slope with respect to that margin. `longer` is by how many trained
 * tokens the chosen answer is longer than the rejected one.
 */
export type MarginLoss = (
  margin: number,
  options: LossOptions,
  longer: number,
) => readonly [loss: number, slope: number];

/**
 * The loss of one trained token of a text, and its slope with respect to the token's
 * log-probability.
 */
export type TokenForm = (
  logp: number,
) => readonly [loss: number, slope: number];

/** Loss of a pair's two log-ratios and its slopes with respect to them. */
export type RatioLoss = (
  chosen: number,
  rejected: number,
  options: LossOptions,
) => readonly [loss: number, chosenSlope: number, rejectedSlope: number];

/** The element of a column at a place that the column has. */
export function at(array: ArrayLike<number>, i: number): number {
  return array[i] ?? NaN;
}

/** Losses and slopes of so many pairs, all 0. */
export function emptyLoss(pairs: number): PairLoss {
  return {
    losses: new Float64Array(pairs),
    chosenSlopes: new Float64Array(pairs),
    rejectedSlopes: new Float64Array(pairs),
    textSlopes: new Float64Array(pairs),
  };
}

/** Chosen and rejected log-ratio of a pair, in nats. */
function ratios(
  { chosen, rejected, referenceChosen, referenceRejected }: PairLogps,
  i: number,
): [chosen: number, rejected: number] {
  return [
    at(chosen, i) - at(referenceChosen, i),
    at(rejected, i) - at(referenceRejected, i),
  ];
}

/**
 * Where pairs are apart and only the difference of their scores counts, each over its length if
 * `perToken`.
 */
export function ofMargin(
  loss: MarginLoss,
  { perToken = false } = {},
): PairForm {
  return (logps, options) => {
    const score = divergenceScore(options);
    const result = emptyLoss(logps.chosen.length);
    for (let i = 0; i < logps.chosen.length; i++) {
      const chosenWeight = perToken ? 1 / at(logps.chosenLengths, i) : 1;
      const rejectedWeight = perToken ? 1 / at(logps.rejectedLengths, i) : 1;
      const [chosen, rejected] = ratios(logps, i);
      const [chosenScore, chosenSlope] = score(chosen);
      const [rejectedScore, rejectedSlope] = score(rejected);
      const margin = chosenWeight * chosenScore -
        rejectedWeight * rejectedScore;
      const longer = at(logps.chosenLengths, i) - at(logps.rejectedLengths, i);
      const [value, slope] = loss(margin, options, longer);
      result.losses[i] = value;
      result.chosenSlopes[i] = slope * chosenWeight * chosenSlope;
      result.rejectedSlopes[i] = -slope * rejectedWeight * rejectedSlope;
    }
    return result;
  };
}

/** Where pairs are apart and both log-ratios count by themselves. */
export function ofRatios(loss: RatioLoss): PairForm {
  return (logps, options) => {
    const result = emptyLoss(logps.chosen.length);
    for (let i = 0; i < logps.chosen.length; i++) {
      const [value, chosenSlope, rejectedSlope] = loss(
        ...ratios(logps, i),
        options,
      );
      result.losses[i] = value;
      result.chosenSlopes[i] = chosenSlope;
      result.rejectedSlopes[i] = rejectedSlope;
    }
    return result;
  };
}

/** As `ofRatios()`, with rewards `beta * log-ratio` in place of log-ratios. */
export function ofRewards(loss: RatioLoss): PairForm {
  return ofRatios((chosen, rejected, options) => {
    const { beta } = options;
    const [value, chosenSlope, rejectedSlope] = loss(
      beta * chosen,
      beta * rejected,
      options,
    );
    return [value, beta * chosenSlope, beta * rejectedSlope];
  });
}

/** The places of a column's values from the least to the greatest. */
function ranks(column: Float64Array): number[] {
  return [...column.keys()].sort((a, b) => at(column, a) - at(column, b));
}

/**
 * Where two columns are sorted, each by itself, and only then compared: the k-th least of one with
 * the k-th least of the other. Losses come in that order.
 *
 * @param paired whether the columns are the policy's and the reference's margins, else chosen and
 *   rejected log-ratios
 */
export function ofSorted(
  loss: MarginLoss,
  { paired }: { readonly paired: boolean },
): PairForm {
  return (logps, options) => {
    const { chosen, rejected, referenceChosen, referenceRejected } = logps;
    const minus = (a: Float64Array, b: Float64Array) =>
      a.map((x, i) => x - at(b, i));
    const [high, low] = paired
      ? [minus(chosen, rejected), minus(referenceChosen, referenceRejected)]
      : [minus(chosen, referenceChosen), minus(rejected, referenceRejected)];
    const highRanks = ranks(high);
    const lowRanks = ranks(low);
    const result = emptyLoss(high.length);
    for (let k = 0; k < high.length; k++) {
      const [i, j] = [highRanks[k]!, lowRanks[k]!];
      const [value, slope] = loss(at(high, i) - at(low, j), options, 0);
      result.losses[k] = value;
      result.chosenSlopes[i] = slope;
      result.rejectedSlopes[paired ? i : j] = -slope;
    }
    return result;
  };
}

/**
 * The soft minimum `-b ln(mean(exp(-loss / b)))` of the losses of a batch, the same for each pair:
 * the greater a pair's loss, the less it counts.
 *
 * @param softness gives b of the options
 */
export function ofSoftMinimum(
  form: PairForm,
  softness: (options: LossOptions) => number,
): PairForm {
  return (logps, options) => {
    const part = form(logps, options);
    const b = softness(options);
    const least = part.losses.reduce((a, x) => Math.min(a, x), Infinity);
    const shares = part.losses.map((loss) => Math.exp((least - loss) / b));
    const mean = shares.reduce((a, x) => a + x, 0) / shares.length;
    const weighted = (slopes: Float64Array) =>
      slopes.map((slope, i) => slope * at(shares, i) / mean);
    return {
      losses: part.losses.map(() => least - b * Math.log(mean)),
      chosenSlopes: weighted(part.chosenSlopes),
      rejectedSlopes: weighted(part.rejectedSlopes),
      textSlopes: weighted(part.textSlopes),
    };
  };
}

/** The mean negative log-likelihood of the text of all pairs, the same for each of them. */
export function ofText(): PairForm {
  return ({ text, textLengths }) => {
    const pairs = text.length;
    const tokens = textLengths.reduce((sum, length) => sum + length, 0);
    const loss = -text.reduce((sum, logp) => sum + logp, 0) / tokens;
    const result = emptyLoss(pairs);
    result.losses.fill(loss);
    result.textSlopes.fill(-pairs / tokens);
    return result;
  };
}

/**
 * KL of the policy from the reference by answers to other prompts, in nats, at least 0: Sec. 4.1 of
 * https://arxiv.org/abs/2402.01306.
 */
export function klEstimate(
  { mismatched, referenceMismatched }: AnswerLogps,
): number {
  const sum = mismatched.reduce(
    (total, logp, i) => total + logp - at(referenceMismatched, i),
    0,
  );
  return Math.max(0, sum / mismatched.length);
}

/**
 * Where each answer has a reward above a baseline and is wanted or not:
 * `weight (1 - sigmoid(+-beta (ratio - kl)))`.
 *
 * @param baseline the batch's baseline in nats; no gradient flows through it
 */
export function ofAnswers(
  baseline: (logps: AnswerLogps) => number,
): AnswerForm {
  return (logps, { beta, desirable_weight, undesirable_weight }) => {
    const kl = baseline(logps);
    const losses = new Float64Array(logps.answer.length);
    const slopes = new Float64Array(logps.answer.length);
    for (let i = 0; i < losses.length; i++) {
      const ratio = at(logps.answer, i) - at(logps.referenceAnswer, i);
      const [sign, weight] = at(logps.desirable, i) > 0
        ? [1, desirable_weight]
        : [-1, undesirable_weight];
      const h = sign * beta * (ratio - kl);
      losses[i] = weight * sigmoid(-h);
      slopes[i] = -sign * weight * beta * sigmoid(h) * sigmoid(-h);
    }
    return { losses, slopes };
  };
}

/**
 * Logistic loss of `h = scale * margin - shift`, a share of which is taken to be the wrong way
 * round.
 */
export function smoothedLogistic(
  margin: number,
  { scale, shift = 0, smoothing }: {
    readonly scale: number;
    readonly shift?: number;
    readonly smoothing: number;
  },
): readonly [loss: number, slope: number] {
  const h = scale * margin - shift;
  return [
    -(1 - smoothing) * logSigmoid(h) - smoothing * logSigmoid(-h),
    scale * (smoothing * sigmoid(h) - (1 - smoothing) * sigmoid(-h)),
  ];
}

/**
 * The logistic loss of a pair's rewards, and `center_rewards_coefficient * (chosen + rejected)^2`.
 * Sources: https://arxiv.org/abs/2203.02155, Eq. 1; https://arxiv.org/abs/2312.09244, Eq. 2.
 */
export const rewardLoss: RatioLoss = (
  chosen,
  rejected,
  { center_rewards_coefficient: centre },
) => {
  const options = { scale: 1, smoothing: 0 };
  const [loss, slope] = smoothedLogistic(chosen - rejected, options);
  const sum = chosen + rejected;
  const pull = 2 * centre * sum;
  return [loss + centre * sum ** 2, slope + pull, -slope + pull];
};
