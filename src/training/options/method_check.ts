/**
 * What contradicts among the options of the method, and what has no effect.
 *
 * @module
 */
import { type Findings, quoted } from "../../base/schema.ts";
import { lossDefaults, type LossOptions } from "../loss/loss_terms.ts";
import { type LossName, lossNames, lossRows } from "../loss/losses.ts";
import {
  lossesOf,
  type MethodOptions,
  type TrainerName,
  trainerRows,
} from "../method/trainers.ts";

/** The options that are checked together. */
export interface CheckedMethod
  extends Omit<MethodOptions, keyof LossOptions>, LossOptions {
  readonly trainer: TrainerName;
  readonly cpo_alpha: number;
  readonly alpha: number;
  readonly ld_alpha: number | null;
  readonly use_weighting: boolean;
  readonly score_margin: number;
  readonly score_weighting: number | null;
  readonly per_device_train_batch_size: number;
}

/** Options that only some trainers look at, with the value that says nothing. */
const PARTICULAR = [
  ["f_divergence_type", ["dpo"], lossDefaults.f_divergence_type],
  ["ld_alpha", ["dpo"], null],
  ["use_weighting", ["dpo"], false],
  ["score_margin", ["dpo", "cpo", "reward"], 0],
  ["score_weighting", ["dpo", "cpo", "orpo", "reward"], null],
  ["center_rewards_coefficient", ["reward"], 0],
  ["cpo_alpha", ["cpo"], 1],
  ["simpo_gamma", ["cpo"], lossDefaults.simpo_gamma],
  ["alpha", ["cpo"], 0],
  ["desirable_weight", ["kto"], 1],
  ["undesirable_weight", ["kto"], 1],
] as const satisfies readonly (readonly [
  keyof CheckedMethod,
  readonly TrainerName[],
  unknown,
])[];

/** What contradicts, and what has no effect. */
export function checkMethod(options: CheckedMethod): Findings {
  const { trainer } = options;
  const names = options.loss_type ?? trainerRows[trainer].loss_type;
  const taken = lossesOf(trainer);
  const foreign = names.filter((name) => !taken.includes(name));
  if (trainer === "sft") return { problems: [], warnings: [] };
  const problems = foreign.length === 0
    ? [...weightProblems(options, names), ...lossProblems(options, names)]
    : [
      `"trainer" "${trainer}" takes "loss_type" ${quoted(taken)}, found ${
        quoted(foreign)
      }`,
    ];
  const idle = PARTICULAR.filter(([name, trainers, none]) =>
    options[name] !== none && !trainers.some((one) => one === trainer)
  ).map(([name, trainers]) =>
    `"${name}" has no effect with "trainer" "${trainer}", it is for ${
      quoted(trainers)
    }`
  );
  const deaf = names.filter((name) => !lossRows[name].smooths);
  if (options.label_smoothing > 0 && deaf.length > 0) {
    idle.push(`"label_smoothing" has no effect on ${quoted(deaf)}`);
  }
  return { problems, warnings: idle };
}

function weightProblems(
  { loss_weights, trainer }: CheckedMethod,
  names: readonly LossName[],
): string[] {
  const weights = loss_weights?.length ?? names.length;
  const problems = weights === names.length ? [] : [
    `"loss_weights" must be one per loss, found ${weights} for ${names.length}`,
  ];
  const averaged = names.filter((name) => lossRows[name].averages);
  if (
    trainer === "cpo" && averaged.length > 0 && averaged.length < names.length
  ) {
    problems.push(
      `"loss_type" ${
        quoted(averaged)
      } takes means per token with "trainer" "cpo" and cannot be mixed with ${
        quoted(names.filter((name) => !averaged.includes(name)))
      }`,
    );
  }
  return problems;
}

function lossProblems(
  options: CheckedMethod,
  names: readonly LossName[],
): string[] {
  const { f_divergence_type, label_smoothing, trainer } = options;
  const problems: string[] = [];
  const straight = names.filter((name) => !lossRows[name].diverges);
  const diverges = f_divergence_type !== lossDefaults.f_divergence_type;
  if (trainer === "dpo" && diverges && straight.length > 0) {
    problems.push(
      `"f_divergence_type" "${f_divergence_type}" is not defined for ${
        quoted(straight)
      }`,
    );
  }
  const coupled = names.filter((name) => lossRows[name].couples);
  if (options.use_weighting && trainer === "dpo" && coupled.length > 0) {
    problems.push(
      `"use_weighting" weighs pairs one by one, which ${
        quoted(coupled)
      } does not have`,
    );
  }
  if (options.score_weighting !== null && coupled.length > 0) {
    problems.push(
      `"score_weighting" weighs pairs one by one, which ${
        quoted(coupled)
      } does not have`,
    );
  }
  problems.push(...marginProblems(options, names));
  if (names.includes("exo_pair") && label_smoothing === 0) {
    problems.push(
      '"label_smoothing" must be above 0 for "exo_pair"; its paper takes 0.001',
    );
  }
  if (names.includes("robust") && label_smoothing === 0.5) {
    problems.push('"label_smoothing" must be below 0.5 for "robust"');
  }
  if (names.includes("kto") && options.per_device_train_batch_size < 2) {
    problems.push(
      '"per_device_train_batch_size" must be 2 or more for "kto": its KL estimate takes answers of other rows',
    );
  }
  return problems;
}

/** A margin from scores is taken from `beta * margin`, which not every loss looks at. */
function marginProblems(
  { score_margin, f_divergence_type, trainer }: CheckedMethod,
  names: readonly LossName[],
): string[] {
  if (score_margin === 0 || trainer === "orpo" || trainer === "kto") return [];
  const without = names.filter((name) =>
    !lossRows[name].offsets && name !== "sft"
  );
  const problems = without.length === 0 ? [] : [
    `"score_margin" is not defined for ${quoted(without)}, it is for ${
      quoted(lossNames.filter((name) => lossRows[name].offsets))
    }`,
  ];
  if (f_divergence_type !== lossDefaults.f_divergence_type) {
    problems.push(
      `"score_margin" is not defined for "f_divergence_type" "${f_divergence_type}"`,
    );
  }
  return problems;
}
