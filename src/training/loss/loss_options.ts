/**
 * The options that the formulas of losses depend on, each declared once: type, range, default and
 * help. Knows no loss.
 *
 * @module
 */
import {
  defaultsOf,
  optional,
  type Values,
} from "../../base/composite_option.ts";
import { choice, number } from "../../base/option.ts";

/** Names of f-divergences. */
export const divergenceNames = [
  "reverse_kl",
  "forward_kl",
  "js_divergence",
  "alpha_divergence",
] as const;

/**
 * What a loss may depend on beside the log-probabilities; defaults are TRL's, of `dpop_lambda` the
 * paper's.
 */
export const lossOptions = {
  beta: number(
    "Strength of the pull towards the reference; the paper of DPO takes 0.1, and 0.5 for summaries",
    0.1,
    { above: 0 },
  ),
  label_smoothing: number(
    "Share of pairs thought to be the wrong way round; with sigmoid conservative DPO, where TRL ignores it",
    0,
    { min: 0, max: 0.5 },
  ),
  f_divergence_type: choice(
    "DPO: how policy and reference are compared; reverse_kl is DPO as published",
    "reverse_kl",
    divergenceNames,
  ),
  f_alpha_divergence_coef: number(
    "Alpha of alpha_divergence; 1 is reverse_kl",
    0.5,
  ),
  discopop_tau: number("Temperature of the blend in discopop", 0.05, {
    above: 0,
  }),
  dpop_lambda: number("Factor of the penalty in dpop, 5 to 500 is usual", 50, {
    min: 0,
  }),
  simpo_gamma: number(
    "SimPO: margin that is asked for, 0.5 to 1.5 is usual",
    0.5,
  ),
  chipo_rmax: optional(
    number(
      "ChiPO: the largest reward, from which margins beyond twice that are cut; null cuts none",
      undefined,
      { above: 0 },
    ),
  ),
  dpo_lambda: number(
    "DPO-Shift: factor of the rejected answer's reward; 1 is DPO, its authors' program goes from 0.5 to 1",
    0.75,
    { above: 0, max: 1 },
  ),
  dr_dpo_beta: number(
    "Dr. DPO: how alike the pairs of a batch count, above 0; large is DPO, its authors take 1",
    1,
    { above: 0 },
  ),
  rdpo_alpha: number(
    "R-DPO: reward that a token of length costs an answer; 0 is DPO",
    0.01,
    { min: 0 },
  ),
  center_rewards_coefficient: number(
    "Reward model: factor of the squared sum of a pair's rewards, which keeps them near 0; 0.01 is usual",
    0,
    { min: 0 },
  ),
  desirable_weight: number("KTO: factor of wanted answers' losses", 1, {
    min: 0,
  }),
  undesirable_weight: number("KTO: factor of unwanted answers' losses", 1, {
    min: 0,
  }),
};

/** Checked options of the losses. */
export type LossOptions = Values<typeof lossOptions>;

/** The defaults of the options of the losses. */
export const lossDefaults: LossOptions = defaultsOf(lossOptions);

/** What scores in the data do to the losses of pairs. */
export const scoreOptions = {
  score_margin: number(
    "Margin of rewards that is asked for per point by which the data scores the chosen answer higher (ODPO, LLaMA 2), 0 is none; 0.1 to 1 is usual",
    0,
    { min: 0 },
  ),
  score_weighting: optional(
    number(
      "Weight of each pair per point by which the data scores the chosen answer higher: 1 / the usual difference makes it 1 on average; null weighs all alike",
      undefined,
      { above: 0 },
    ),
  ),
};

/** Checked options of the use of scores. */
export type ScoreOptions = Values<typeof scoreOptions>;
