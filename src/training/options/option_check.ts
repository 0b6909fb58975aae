/**
 * Checks that see several options of a training run together.
 *
 * @module
 */
import { type Findings, quoted } from "../../base/schema.ts";
import { quantizationProblems } from "../../model/weights/quantization_options.ts";
import { methodOf, methodsOn } from "../method/methods.ts";
import { readOptimArgs } from "../optimizer/optimizer_names.ts";
import { rateFactors } from "../optimizer/rate_factor.ts";
import { makeSchedule } from "../optimizer/schedule.ts";
import { checkMethod } from "./method_check.ts";
import { DEFAULT_SAVE_STEPS, type TrainOptions } from "./options.ts";

/** What contradicts, and what has no effect. */
export function checkTrainOptions(options: TrainOptions): Findings {
  const parts = [
    checkMethod(options),
    checkReference(options),
    checkBest(options),
    checkSteps(options),
  ];
  return {
    problems: [
      ...dataProblems(options),
      ...modelProblems(options),
      ...adapterProblems(options),
      ...parts.flatMap(({ problems }) => problems),
      ...optimizerProblems(options),
    ],
    warnings: parts.flatMap(({ warnings }) => warnings),
  };
}

/** The names of which something holds. */
function namesOf(table: Readonly<Record<string, boolean>>): string[] {
  return Object.keys(table).filter((name) => table[name]);
}

function dataProblems(options: TrainOptions): string[] {
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
    (options.dataset_mixture?.eval_datasets ?? null) === null &&
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

function packingProblems(options: TrainOptions): string[] {
  if (!options.packing && !options.eval_packing) return [];
  const problems: string[] = [];
  if (methodOf(options).data !== "demonstrations") {
    problems.push(
      `"packing" needs "trainer" ${quoted(methodsOn("demonstrations"))}`,
    );
  }
  if (options.max_length === null) {
    problems.push('"packing" needs "max_length", the tokens of a bin');
  }
  return problems;
}

function modelProblems(options: TrainOptions): string[] {
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

function optimizerProblems(options: TrainOptions): string[] {
  const { optim, optim_args, lr_scheduler_kwargs } = options;
  return [
    () =>
      makeSchedule({
        ...options,
        lr_scheduler_kwargs: lr_scheduler_kwargs ?? {},
        warmupSteps: 0,
        totalSteps: 1,
      }),
    () => readOptimArgs(optim, optim_args),
    () => rateFactors(options),
  ].flatMap((make) => rangeProblem(make) ?? []);
}

const FREEZING = ["unfrozen_parameters", "freeze_trainable_layers"] as const;

function adapterProblems(options: TrainOptions): string[] {
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
  const special = namesOf({
    use_dora,
    "init_lora_weights pissa": init_lora_weights === "pissa",
    create_new_adapter,
  });
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

function checkReference(options: TrainOptions): Findings {
  const { trainer, sync_ref_model, ref_model_name_or_path: model } = options;
  const { ref_adapter_name_or_path: adapter } = options;
  const named = namesOf({
    ref_model_name_or_path: model !== null,
    ref_adapter_name_or_path: adapter !== null,
  });
  if (!methodOf(options).hasReference) {
    const idle = [...namesOf({ sync_ref_model }), ...named];
    return {
      problems: [],
      warnings: idle.map((name) =>
        `"${name}" has no effect with "trainer" "${trainer}", which has no reference`
      ),
    };
  }
  const problems: string[] = [];
  if (sync_ref_model && named.length > 0) {
    problems.push(
      `"sync_ref_model" moves a copy of the policy and cannot go with ${
        quoted(named)
      }`,
    );
  }
  if (sync_ref_model && options.precompute_ref_log_probs) {
    problems.push(
      'a reference that moves cannot be computed once: give either "sync_ref_model" or "precompute_ref_log_probs"',
    );
  }
  if (adapter !== null && model === null && options.init_from_config) {
    problems.push(
      '"ref_adapter_name_or_path" has no weights to go on with "init_from_config"',
    );
  }
  return { problems, warnings: [] };
}

function checkBest(options: TrainOptions): Findings {
  const { load_best_model_at_end, eval_strategy, save_strategy } = options;
  const { early_stopping_patience, early_stopping_threshold } = options;
  const comparing = namesOf({
    load_best_model_at_end,
    early_stopping_patience: early_stopping_patience !== null,
    'save_strategy": "best': save_strategy === "best",
  });
  const problems = eval_strategy === "no"
    ? comparing.map((name) => `"${name}" needs "eval_strategy", found "no"`)
    : [];
  if (load_best_model_at_end && save_strategy === "no") {
    problems.push(
      '"load_best_model_at_end" needs checkpoints, found "save_strategy" "no"',
    );
  }
  const idle = comparing.length > 0 ? [] : namesOf({
    metric_for_best_model: options.metric_for_best_model !== null,
    greater_is_better: options.greater_is_better !== null,
  });
  const warnings = idle.map((name) =>
    `"${name}" matters with load_best_model_at_end, early_stopping_patience or save_strategy best only`
  );
  if (early_stopping_threshold > 0 && early_stopping_patience === null) {
    warnings.push(
      '"early_stopping_threshold" matters with early_stopping_patience only',
    );
  }
  return { problems, warnings };
}

/** Steps between evaluations or checkpoints that another strategy passes over. */
function checkSteps(options: TrainOptions): Findings {
  const { eval_strategy, eval_steps, save_strategy, save_steps } = options;
  const idle = {
    eval_steps: eval_steps !== null && eval_strategy !== "steps" &&
      eval_strategy,
    // "best" has no checkpoint but the best, whatever the steps
    save_steps: save_steps !== DEFAULT_SAVE_STEPS &&
      save_strategy !== "steps" && save_strategy,
  };
  return {
    problems: [],
    warnings: Object.entries(idle).flatMap(([name, strategy]) =>
      strategy === false ? [] : [
        `"${name}" has no effect with "${
          name.replace("steps", "strategy")
        }" "${strategy}", it is for "steps"`,
      ]
    ),
  };
}
