/**
 * Checks that see several options of a training run together.
 *
 * @module
 */
import { type Findings, quoted } from "../../base/schema.ts";
import {
  type QuantizationOptions,
  quantizationProblems,
} from "../../model/weights/quantization_options.ts";
import { checkBest, type CheckedBest } from "./best_options.ts";
import { type CheckedMethod, checkMethod } from "./method_check.ts";
import {
  type OptimizerArgs,
  type OptimizerName,
  readOptimArgs,
} from "../optimizer/optimizer_names.ts";
import { rateFactors, type RateGroup } from "../optimizer/rate_factor.ts";
import { type CheckedReference, checkReference } from "./reference_options.ts";
import {
  makeSchedule,
  type ScheduleKwargs,
  type ScheduleName,
} from "../optimizer/schedule.ts";

/** The options that are checked together. */
export interface CheckedOptions
  extends CheckedMethod, CheckedReference, CheckedBest, QuantizationOptions {
  readonly dataset_mixer: unknown;
  readonly dataset_mixture: unknown;
  readonly dataset: string | null;
  readonly eval_dataset: string | null;
  readonly dataset_splits: readonly string[];
  readonly eval_strategy: string;
  readonly init_from_config: boolean;
  readonly adapter_name_or_path: string | null;
  readonly use_peft: boolean;
  readonly create_new_adapter: boolean;
  readonly use_dora: boolean;
  readonly init_lora_weights: string;
  readonly unfrozen_parameters: readonly string[] | null;
  readonly freeze_trainable_layers: number | null;
  readonly bf16: boolean;
  readonly fp16: boolean;
  readonly learning_rate: number;
  readonly lr_groups: readonly RateGroup[] | null;
  readonly optim: OptimizerName;
  readonly optim_args: OptimizerArgs | null;
  readonly lr_scheduler_type: ScheduleName;
  readonly lr_scheduler_kwargs: ScheduleKwargs | null;
  readonly max_length: number | null;
  readonly max_prompt_length: number | null;
  readonly packing: boolean;
  readonly eval_packing: boolean | null;
}

/** What contradicts, and what has no effect. */
export function checkTrainOptions(options: CheckedOptions): Findings {
  const others = [
    checkMethod(options),
    checkReference(options),
    checkBest(options),
  ];
  const problems = [
    ...dataProblems(options),
    ...modelProblems(options),
    ...adapterProblems(options),
    ...others.flatMap(({ problems }) => problems),
  ];
  problems.push(...optimizerProblems(options));
  return { problems, warnings: others.flatMap(({ warnings }) => warnings) };
}

function dataProblems(options: CheckedOptions): string[] {
  const problems: string[] = [];
  const { dataset, dataset_mixer, dataset_mixture, dataset_splits } = options;
  const given = [dataset, dataset_mixer, dataset_mixture];
  if (given.filter((one) => one !== null).length !== 1) {
    problems.push(
      'give one of "dataset_mixer", "dataset_mixture" or "dataset"',
    );
  }
  if (dataset_splits.length > 2) {
    problems.push(
      `"dataset_splits" must be a training and an evaluation split, found ${
        quoted(dataset_splits)
      }`,
    );
  }
  if (
    options.eval_strategy !== "no" && options.eval_dataset === null &&
    dataset_splits.length < 2
  ) {
    problems.push(
      `"eval_strategy" is ${
        quoted([options.eval_strategy])
      } but "dataset_splits" names no evaluation split`,
    );
  }
  const { max_length, max_prompt_length } = options;
  if (
    max_length !== null && max_prompt_length !== null &&
    max_prompt_length >= max_length
  ) {
    problems.push(
      `"max_prompt_length" ${max_prompt_length} leaves no room for an answer in "max_length" ${max_length}`,
    );
  }
  return [...problems, ...packingProblems(options)];
}

function packingProblems(
  { packing, eval_packing, trainer, max_length }: CheckedOptions,
): string[] {
  if (!packing && !eval_packing) return [];
  return [
    ...(trainer === "sft" ? [] : ['"packing" needs "trainer" "sft"']),
    ...(max_length === null
      ? ['"packing" needs "max_length", the tokens of a bin']
      : []),
  ];
}

function modelProblems(options: CheckedOptions): string[] {
  const problems = quantizationProblems(options);
  if ((options.load_in_8bit || options.load_in_4bit) && !options.use_peft) {
    problems.push(
      `"${
        options.load_in_8bit ? "load_in_8bit" : "load_in_4bit"
      }" needs "use_peft": codes cannot be trained, an adapter on them can`,
    );
  }
  if (options.bf16 && options.fp16) {
    problems.push('give either "bf16" or "fp16"');
  }
  if (options.adapter_name_or_path !== null && !options.use_peft) {
    problems.push('"adapter_name_or_path" needs "use_peft"');
  }
  if (options.adapter_name_or_path !== null && options.init_from_config) {
    problems.push(
      '"adapter_name_or_path" cannot continue on the random weights of "init_from_config"',
    );
  }
  return problems;
}

function optimizerProblems(options: CheckedOptions): string[] {
  const { optim, optim_args, lr_scheduler_kwargs } = options;
  return [
    () =>
      makeSchedule({
        ...options,
        lr_scheduler_kwargs: lr_scheduler_kwargs ?? {},
        ...{ warmupSteps: 0, totalSteps: 1 },
      }),
    () => readOptimArgs(optim, optim_args),
    () => rateFactors(options),
  ].flatMap((make) => rangeProblem(make) ?? []);
}

const FREEZING = ["unfrozen_parameters", "freeze_trainable_layers"] as const;

function adapterProblems(options: CheckedOptions): string[] {
  const { create_new_adapter, use_dora, init_lora_weights } = options;
  const problems: string[] = [];
  for (const name of FREEZING) {
    if (options[name] === null) continue;
    if (options.use_peft) {
      problems.push(`"${name}" is for training without "use_peft"`);
    }
    if (options.init_from_config) {
      problems.push(
        `"${name}" would leave random weights as "init_from_config" makes them`,
      );
    }
  }
  if (create_new_adapter && options.adapter_name_or_path === null) {
    problems.push('"create_new_adapter" needs "adapter_name_or_path"');
  }
  const special = [
    ...(use_dora ? ["use_dora"] : []),
    ...(init_lora_weights === "pissa" ? ["init_lora_weights pissa"] : []),
    ...(create_new_adapter ? ["create_new_adapter"] : []),
  ];
  if (special.length > 1) {
    problems.push(`${quoted(special)} cannot go together, give one of them`);
  }
  return problems;
}

/** What a function says of a value out of range. */
function rangeProblem(make: () => unknown): string | undefined {
  try {
    make();
    return undefined;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return error.message;
  }
}
