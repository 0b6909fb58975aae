/**
 * f-divergences as scores of a log-ratio: a loss compares `f'(policy / reference)` of chosen and
 * rejected answers, not the log-ratio. Source: https://arxiv.org/abs/2309.16240, Table 1.
 *
 * @module
 */
import type { LossOptions } from "./loss_options.ts";
import { logSigmoid, sigmoid } from "./loss_terms.ts";

/** A score of a log-ratio (nats) and its slope. */
export type Score = (
  ratio: number,
) => readonly [score: number, slope: number];

/** Largest exponent of `alpha_divergence`, so that exp() stays within float32, as in TRL. */
const MOST = 80;
/** So near to 1 alpha counts as 1. */
const NEAR = 1e-6;

/** The score that the options ask for. */
export function divergenceScore(
  { f_divergence_type, f_alpha_divergence_coef }: Pick<
    LossOptions,
    "f_divergence_type" | "f_alpha_divergence_coef"
  >,
): Score {
  const identity: Score = (ratio) => [ratio, 1];
  switch (f_divergence_type) {
    case "reverse_kl": // f'(t) = ln t
      return identity;
    case "forward_kl": // f'(t) = 1 - 1 / t
      return (ratio) => [-Math.expm1(-ratio), Math.exp(-ratio)];
    case "js_divergence": // f'(t) = ln(2 t / (t + 1))
      return (ratio) => [Math.LN2 + logSigmoid(ratio), sigmoid(-ratio)];
    case "alpha_divergence": { // f'(t) = (t^(a - 1) - 1) / (a - 1)
      const power = f_alpha_divergence_coef - 1;
      if (Math.abs(power) < NEAR) return identity;
      return (ratio) => {
        const exponent = Math.min(power * ratio, MOST);
        const slope = exponent < MOST ? Math.exp(exponent) : 0;
        return [Math.expm1(exponent) / power, slope];
      };
    }
  }
}

/**
 * `f'(t) = t + ln t`, the chi-squared divergence and the KL together. Source:
 * https://arxiv.org/abs/2407.13399.
 */
export const mixedChiSquared: Score = (ratio) => {
  const power = Math.exp(Math.min(ratio, MOST));
  return [power + ratio, (ratio < MOST ? power : 0) + 1];
};
