/**
 * The trainers: one table. A row says what data it takes, whether it has a reference, and which losses it adds up.
 *
 * @module
 */
import type { LossOptions } from "../loss/loss_terms.ts";
import { type LossName, lossNames, lossRows } from "../loss/losses.ts";
import type { PreferenceLossOptions } from "../loss/preference_loss.ts";

/** What a run is trained on. */
export type TrainingData = "pairs" | "answers" | "demonstrations";

/** One row of the table. */
export interface TrainerRow {
  readonly help: string;
  readonly data: TrainingData;
  /** Whether a reference model's column of log-probabilities is needed. */
  readonly hasReference: boolean;
  /** The losses where the options name none. */
  readonly loss_type: readonly LossName[];
}

const rows = {
  dpo: {
    help: "pairs, with a reference",
    data: "pairs",
    hasReference: true,
    loss_type: ["sigmoid"],
  },
  cpo: {
    help: "pairs, no reference: CPO, SimPO",
    data: "pairs",
    hasReference: false,
    loss_type: ["sigmoid"],
  },
  orpo: {
    help: "pairs, no reference: ORPO",
    data: "pairs",
    hasReference: false,
    loss_type: ["orpo"],
  },
  reward: {
    help: "pairs: a model of one number per answer",
    data: "pairs",
    hasReference: false,
    loss_type: ["reward"],
  },
  kto: {
    help: "single answers with a label, with a reference",
    data: "answers",
    hasReference: true,
    loss_type: ["kto"],
  },
  sft: {
    help: "answers or plain text",
    data: "demonstrations",
    hasReference: false,
    loss_type: [],
  },
} as const satisfies Readonly<Record<string, TrainerRow>>;

/** A name in the table of trainers. */
export type TrainerName = keyof typeof rows;

/** Trainers of pairs. */
export type PairTrainer = "dpo" | "cpo" | "orpo" | "reward";

/** Every trainer, by the name that `trainer` has for it. */
export const trainerRows: Readonly<Record<TrainerName, TrainerRow>> = rows;

/** The names in the table of trainers. */
export const trainerNames = Object.keys(rows) as TrainerName[];

/** The losses that a trainer takes. */
export function lossesOf(trainer: TrainerName): LossName[] {
  return lossNames.filter((name) =>
    (lossRows[name].trainers ?? ["dpo"] as readonly string[]).some((one) =>
      one === trainer
    )
  );
}

/** Which losses, and what the reference-free trainers add to them. */
export interface MethodOptions extends Partial<LossOptions> {
  readonly beta: number;
  /** Null is the trainer's own. */
  readonly loss_type: readonly LossName[] | null;
  readonly loss_weights: readonly number[] | null;
  /** CPO: weight of the chosen answers' negative log-likelihood; default 1. */
  readonly cpo_alpha?: number;
  /** CPO: AlphaPO's exponent; 0, the default, leaves log-probabilities as they are. */
  readonly alpha?: number;
}

/** The losses that a trainer adds up: those of the options, and the likelihood term of CPO and ORPO. */
export function lossTerms(
  trainer: TrainerName,
  options: MethodOptions,
): PreferenceLossOptions {
  const { loss_type: own } = trainerRows[trainer];
  const terms = { ...options, loss_type: options.loss_type ?? own };
  const { cpo_alpha = 1, alpha = 0 } = options;
  const text = trainer === "orpo" ? 1 : trainer === "cpo" ? cpo_alpha : 0;
  const weights = options.loss_weights ?? terms.loss_type.map(() => 1);
  const learnt = text === 0 ? terms : {
    ...terms,
    loss_type: [...terms.loss_type, "sft" as const],
    loss_weights: [...weights, text],
  };
  // AlphaPO's reward (1 - p^-alpha) / alpha is the alpha-divergence's score at 1 - alpha
  return alpha === 0 || trainer !== "cpo" ? learnt : {
    ...learnt,
    f_divergence_type: "alpha_divergence",
    f_alpha_divergence_coef: 1 - alpha,
  };
}
