/**
 * The options that say what a run minimises: the trainer, its losses and what they depend on.
 *
 * @module
 */
import { list, optional } from "../../base/composite_option.ts";
import { choice, flag, number } from "../../base/option.ts";
import { divergenceNames, lossDefaults } from "../loss/loss_terms.ts";
import { lossNames, lossRows } from "../loss/losses.ts";
import { trainerNames, trainerRows } from "../method/trainers.ts";

/** `name (help)` of each name, with commas. */
function explained<Name extends string>(
  names: readonly Name[],
  table: Readonly<Record<Name, { readonly help: string }>>,
): string {
  return names.map((name) => `${name} (${table[name].help})`).join(", ");
}

/** Options of the method. */
export const methodOptions = {
  trainer: choice(explained(trainerNames, trainerRows), "dpo", trainerNames),
  loss_type: optional(
    list(
      `Loss, or several; null is the trainer's own: ${
        explained(lossNames, lossRows)
      }`,
      undefined,
      choice("Loss", undefined, lossNames),
    ),
  ),
  loss_weights: optional(
    list("One weight per loss; null is 1 each", undefined, number("Weight")),
  ),
  beta: number("Pull towards the reference, 0.01 to 0.5 is usual", 0.1, {
    above: 0,
  }),
  label_smoothing: number(
    "Share of pairs thought to be the wrong way round; with sigmoid conservative DPO, where TRL ignores it",
    0,
    { min: 0, max: 0.5 },
  ),
  f_divergence_type: choice(
    "DPO: how policy and reference are compared",
    lossDefaults.f_divergence_type,
    divergenceNames,
  ),
  f_alpha_divergence_coef: number(
    "Alpha of alpha_divergence; 1 is reverse_kl",
    lossDefaults.f_alpha_divergence_coef,
  ),
  discopop_tau: number(
    "Temperature of the blend in discopop",
    lossDefaults.discopop_tau,
    { above: 0 },
  ),
  dpop_lambda: number(
    "Factor of the penalty in dpop, 5 to 500 is usual",
    lossDefaults.dpop_lambda,
    { min: 0 },
  ),
  ld_alpha: optional(
    number(
      "LD-DPO: weight of an answer's tokens beyond the length of the shorter one; null is 1",
      undefined,
      { min: 0, max: 1 },
    ),
  ),
  use_weighting: flag(
    "WPO: weigh each pair as it is likely under the policy",
  ),
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
  cpo_alpha: number(
    "CPO: weight of the chosen answers' negative log-likelihood; 0 for SimPO",
    1,
    { min: 0 },
  ),
  simpo_gamma: number(
    "SimPO: margin that is asked for, 0.5 to 1.5 is usual",
    lossDefaults.simpo_gamma,
  ),
  alpha: number("CPO: exponent of AlphaPO's reward; 0 is none", 0),
  center_rewards_coefficient: number(
    "Reward model: factor of the squared sum of a pair's rewards, which keeps them near 0; 0.01 is usual",
    lossDefaults.center_rewards_coefficient,
    { min: 0 },
  ),
  desirable_weight: number(
    "KTO: factor of wanted answers' losses",
    lossDefaults.desirable_weight,
    { min: 0 },
  ),
  undesirable_weight: number(
    "KTO: factor of unwanted answers' losses",
    lossDefaults.undesirable_weight,
    { min: 0 },
  ),
  completion_only_loss: optional(
    flag(
      "SFT: train on the answer alone; null does so where rows have a prompt",
    ),
  ),
  precompute_ref_log_probs: flag(
    "Always so here: the reference runs once over all rows before training, and is kept; false changes nothing",
  ),
};
