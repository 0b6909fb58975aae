/**
 * What contradicts among the options of the method, and what has no effect, as the rows of methods
 * and losses tell. Knows no method and no loss by name.
 *
 * @module
 */
import { type Findings, quoted } from "../../base/schema.ts";
import { lossDefaults } from "../loss/loss_options.ts";
import { type LossName, lossNames, lossRows } from "../loss/losses.ts";
import { lossesOf, methodOf, methodsByOption } from "../method/methods.ts";
import { objectiveDefaults } from "../method/objective_options.ts";
import type { TrainOptions } from "./options.ts";

/** What contradicts, and what has no effect. */
export function checkMethod(options: TrainOptions): Findings {
  const { trainer } = options;
  const names = options.loss_type ?? methodOf(options).loss_type;
  const taken = lossesOf(trainer);
  const foreign = names.filter((name) => !taken.includes(name));
  const problems = foreign.length === 0
    ? [
      ...weightProblems(options, names),
      ...lossProblems(options, names),
      ...marginProblems(options, names),
      ...names.flatMap((name) => lossRows[name].refuses?.(options) ?? []),
    ]
    : [
      `"trainer" "${trainer}" takes "loss_type" ${quoted(taken)}, found ${
        quoted(foreign)
      }`,
    ];
  return { problems, warnings: idleOptions(options, names) };
}

/** Options that the method or its losses do not look at. */
function idleOptions(
  options: TrainOptions,
  names: readonly LossName[],
): string[] {
  const idle = [...methodsByOption()].filter(([name, methods]) =>
    options[name] !== objectiveDefaults[name] &&
    !methods.includes(options.trainer)
  ).map(([name, methods]) =>
    `"${name}" has no effect with "trainer" "${options.trainer}", it is for ${
      quoted(methods)
    }`
  );
  const unsmoothed = names.filter((name) => !lossRows[name].smooths);
  if (options.label_smoothing > 0 && unsmoothed.length > 0) {
    idle.push(`"label_smoothing" has no effect on ${quoted(unsmoothed)}`);
  }
  return idle;
}

function weightProblems(
  options: TrainOptions,
  names: readonly LossName[],
): string[] {
  const weights = options.loss_weights?.length ?? names.length;
  const problems = weights === names.length ? [] : [
    `"loss_weights" must be one per loss, found ${weights} for ${names.length}`,
  ];
  const averaged = names.filter((name) => lossRows[name].averages);
  const summed = names.filter((name) => !lossRows[name].averages);
  if (
    !methodOf(options).hasReference && averaged.length > 0 && summed.length > 0
  ) {
    problems.push(
      `"loss_type" ${
        quoted(averaged)
      } takes means per token with "trainer" "${options.trainer}" and cannot be mixed with ${
        quoted(summed)
      }`,
    );
  }
  return problems;
}

function lossProblems(
  options: TrainOptions,
  names: readonly LossName[],
): string[] {
  const { f_divergence_type, score_weighting, use_weighting } = options;
  const used = methodOf(options).options;
  const problems: string[] = [];
  const straight = names.filter((name) => !lossRows[name].diverges);
  if (
    used.includes("f_divergence_type") && isDivergent(options) &&
    straight.length > 0
  ) {
    problems.push(
      `"f_divergence_type" "${f_divergence_type}" is not defined for ${
        quoted(straight)
      }`,
    );
  }
  const coupled = names.filter((name) => lossRows[name].couples);
  const weighs = {
    use_weighting: use_weighting && used.includes("use_weighting"),
    score_weighting: score_weighting !== null,
  };
  for (const [name, applies] of Object.entries(weighs)) {
    if (!applies || coupled.length === 0) continue;
    problems.push(
      `"${name}" weighs pairs one by one, which ${
        quoted(coupled)
      } does not have`,
    );
  }
  return problems;
}

function isDivergent(
  { f_divergence_type }: Pick<TrainOptions, "f_divergence_type">,
): boolean {
  return f_divergence_type !== lossDefaults.f_divergence_type;
}

/** A margin from scores is taken from `beta * margin`, which not every loss looks at. */
function marginProblems(
  options: TrainOptions,
  names: readonly LossName[],
): string[] {
  const used = methodOf(options).options;
  if (options.score_margin === 0 || !used.includes("score_margin")) return [];
  const problems: string[] = [];
  const without = names.filter((name) =>
    !lossRows[name].offsets && !lossRows[name].textOnly
  );
  if (without.length > 0) {
    problems.push(
      `"score_margin" is not defined for ${quoted(without)}, it is for ${
        quoted(lossNames.filter((name) => lossRows[name].offsets))
      }`,
    );
  }
  if (isDivergent(options)) {
    problems.push(
      `"score_margin" is not defined for "f_divergence_type" "${options.f_divergence_type}"`,
    );
  }
  return problems;
}
