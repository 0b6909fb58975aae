/**
 * Every method of training: one table. A row says which data a method takes, what its model answers
 * with, whether it has a reference, which losses it adds up, which options it looks at and what it
 * logs. Nobody else asks for a method by its name.
 *
 * @module
 */
import { type LossName, lossNames, lossRows } from "../loss/losses.ts";
import { ofAnswers } from "./answer_objective.ts";
import type { LossTerms, Method, TrainingData } from "./method.ts";
import {
  oddsRatioMetrics,
  preferenceMetrics,
  rewardMetrics,
  textLoss,
} from "./metrics.ts";
import type { ObjectiveOptions } from "./objective_options.ts";
import { ofPairs } from "./pair_objective.ts";
import { ofTexts } from "./text_objective.ts";

/**
 * The losses, and the negative log-likelihood of the text that is learnt as one more of this
 * weight.
 */
function withTextLoss(terms: LossTerms, weight: number): LossTerms {
  if (weight === 0) return terms;
  const weights = terms.loss_weights ?? terms.loss_type.map(() => 1);
  return {
    ...terms,
    loss_type: [...terms.loss_type, "sft"],
    loss_weights: [...weights, weight],
  };
}

/** AlphaPO's reward (1 - p^-alpha) / alpha is the alpha-divergence's score at 1 - alpha. */
function withAlphaReward(terms: LossTerms): LossTerms {
  if (terms.alpha === 0) return terms;
  return {
    ...terms,
    f_divergence_type: "alpha_divergence",
    f_alpha_divergence_coef: 1 - terms.alpha,
  };
}

const rows = {
  dpo: ofPairs({
    help: "pairs, with a reference",
    head: "tokens",
    hasReference: true,
    loss_type: ["sigmoid"],
    options: [
      "f_divergence_type",
      "ld_alpha",
      "use_weighting",
      "score_margin",
      "score_weighting",
    ],
    // TRL logs rewards as DPO has them, also under another divergence
    metrics: (logps, tokens, { beta }) =>
      preferenceMetrics(logps, tokens, { beta }),
  }),
  cpo: ofPairs({
    help: "pairs, without a reference: CPO, SimPO",
    head: "tokens",
    hasReference: false,
    loss_type: ["sigmoid"],
    options: [
      "score_margin",
      "score_weighting",
      "cpo_alpha",
      "simpo_gamma",
      "alpha",
    ],
    addedTerms: (terms) =>
      withAlphaReward(withTextLoss(terms, terms.cpo_alpha)),
    metrics: (logps, tokens, terms) => ({
      ...preferenceMetrics(logps, tokens, terms),
      nll_loss: textLoss(logps),
    }),
  }),
  orpo: ofPairs({
    help: "pairs, without a reference: ORPO",
    head: "tokens",
    hasReference: false,
    loss_type: ["orpo"],
    options: ["score_weighting"],
    promptTargets: true,
    addedTerms: (terms) => withTextLoss(terms, 1),
    metrics: (logps, tokens, terms) => ({
      ...preferenceMetrics(logps, tokens, terms),
      nll_loss: textLoss(logps),
      ...oddsRatioMetrics(logps),
    }),
  }),
  reward: ofPairs({
    help: "pairs; the model gives one number for each answer",
    head: "score",
    hasReference: false,
    loss_type: ["reward"],
    options: ["score_margin", "score_weighting", "center_rewards_coefficient"],
    metrics: rewardMetrics,
  }),
  kto: ofAnswers({
    help: "single answers with a label, with a reference",
    head: "tokens",
    hasReference: true,
    loss_type: ["kto"],
    options: ["desirable_weight", "undesirable_weight"],
  }),
  sft: ofTexts({
    help: "answers or plain text",
    head: "tokens",
    hasReference: false,
    loss_type: ["nll"],
    options: [],
  }),
};

/** A name in the table of methods. */
export type MethodName = keyof typeof rows;

/** Every method, by the name that `trainer` has for it. */
export const methods: Readonly<typeof rows> = rows;

/** The names in the table of methods. */
export const methodNames = Object.keys(rows) as MethodName[];

/** The method that the options name. */
export function methodOf(
  { trainer }: { readonly trainer: MethodName },
): Method {
  return methods[trainer];
}

/** The names of the methods that are trained on one kind of data. */
export function methodsOn(data: TrainingData): MethodName[] {
  return methodNames.filter((name) => methods[name].data === data);
}

/** The losses that a method takes: their rows name it in `trainers`, or its row names them. */
export function lossesOf(name: MethodName): LossName[] {
  const own: readonly LossName[] = methodOf({ trainer: name }).losses ?? [];
  return lossNames.filter((loss) => {
    const trainers: readonly string[] = lossRows[loss].trainers ?? ["dpo"];
    return trainers.includes(name) || own.includes(loss);
  });
}

/** The options that some methods ignore, each with the methods that look at it. */
export function methodsByOption(): Map<keyof ObjectiveOptions, MethodName[]> {
  const found = new Map<keyof ObjectiveOptions, MethodName[]>();
  for (const name of methodNames) {
    for (const option of methods[name].options) {
      found.set(option, [...found.get(option) ?? [], name]);
    }
  }
  return found;
}
