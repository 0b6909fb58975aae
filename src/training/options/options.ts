/**
 * The options of a training run, by the names that TRL and alignment-handbook have for them, each
 * declared once with type, default and help. Defaults are TRL's where TRL has the option.
 *
 * @module
 */
import {
  either,
  fields,
  list,
  optional,
  record,
} from "../../base/composite_option.ts";
import { choice, flag, integer, number, text } from "../../base/option.ts";
import type { ValuesOf } from "../../base/schema.ts";
import { bestOptions } from "./best_options.ts";
import { dataOptions, modelOptions } from "./input_options.ts";
import { methodOptions } from "./method_options.ts";
import { loraOptions } from "./lora_options.ts";
import {
  optimizerNames,
  optimizerSynonyms,
} from "../optimizer/optimizer_names.ts";
import { referenceOptions } from "./reference_options.ts";
import { scheduleNames } from "../optimizer/schedule.ts";

const optimizer = {
  learning_rate: number(
    "Peak rate: 5e-7 to 5e-6 is usual for DPO, ten times that for LoRA, 2e-5 for SFT",
    1e-6,
    { min: 0 },
  ),
  lr_scheduler_type: choice(
    "Course of the rate after warm-up",
    "linear",
    scheduleNames,
  ),
  lr_scheduler_kwargs: optional(
    record(
      "num_cycles, min_lr, min_lr_rate, lr_end, power and so on of the schedule, by transformers' names",
      undefined,
      either<number, string>(number("Value"), text("Word")),
    ),
  ),
  warmup_ratio: number(
    "Share of all steps in which the rate rises, 0 to 0.1 is usual",
    0,
    { min: 0, max: 1 },
  ),
  warmup_steps: number(
    "Steps in which the rate rises; below 1 it is a share; wins over warmup_ratio",
    0,
    { min: 0 },
  ),
  lr_groups: optional(
    list(
      "Parameters that learn at a rate of their own, each [{modules, lr}] with parts or regular expressions of their names and the peak rate",
      undefined,
      fields("Group", {
        name: optional(text("For people")),
        modules: list("Regular expressions", undefined, text("Expression")),
        lr: number("Peak rate", undefined, { min: 0 }),
      }),
    ),
  ),
  optim: choice(
    "Optimizer; adamw_8bit keeps moments in 8 bits, adafactor keeps one moment a row and one a column",
    "adamw_torch",
    optimizerNames,
    optimizerSynonyms,
  ),
  optim_args: optional(
    record(
      "Its further numbers: momentum of sgd and rmsprop, alpha and eps of rmsprop, clip_threshold and decay_rate of adafactor",
      undefined,
      number("Value"),
    ),
  ),
  adam_beta1: number("Decay of the mean of gradients, Lion's too", 0.9, {
    min: 0,
    max: 0.9999999,
  }),
  adam_beta2: number(
    "Decay of the mean of their squares; Lion's second, 0.99 is usual there",
    0.999,
    {
      min: 0,
      max: 0.9999999,
    },
  ),
  adam_epsilon: number("Added to the root of that mean", 1e-8, { min: 0 }),
  weight_decay: number(
    "Decoupled decay of all but biases and norms, 0 to 0.1 is usual",
    0,
    { min: 0 },
  ),
  router_aux_loss_coef: number(
    "For mixtures of experts, what the loss that keeps experts in equal use is multiplied by, as in TRL; each micro-batch then runs by itself; 0 leaves it out",
    0.001,
    { min: 0 },
  ),
  neftune_noise_alpha: optional(
    number(
      "NEFTune: noise on embeddings while training, 5 to 15 is usual; null is none",
      undefined,
      { min: 0 },
    ),
  ),
  max_grad_norm: number(
    "Gradients are scaled down to this L2 norm; 0 is no limit",
    1,
    { min: 0 },
  ),
};

const batches = {
  per_device_train_batch_size: integer(
    "Pairs (SFT: rows) of a micro-batch",
    8,
    { min: 1 },
  ),
  per_device_eval_batch_size: integer(
    "Pairs (SFT: rows) of an evaluation batch",
    8,
    { min: 1 },
  ),
  gradient_accumulation_steps: integer("Micro-batches of a step", 1, {
    min: 1,
  }),
  num_train_epochs: number("Passes over the data, 1 to 3 is usual", 3, {
    above: 0,
  }),
  max_steps: integer(
    "Stop after this many steps, whatever the epochs; -1 is no limit",
    -1,
    { min: -1 },
  ),
  max_tokens_per_batch: optional(
    integer(
      "Most tokens that run on the device at once: micro-batches are split and packed to it, losses and steps stay the same; null runs each micro-batch by itself",
      undefined,
      { min: 1 },
    ),
  ),
  gradient_checkpointing: either(
    choice(
      "Compute activations again in the backward pass, less memory and about a third slower: true, false, or where the run does not fit otherwise",
      "auto",
      ["auto"],
    ),
    flag("The same, always or never"),
  ),
  memory_limit: optional(
    number(
      "GB that the device may hold; null is nine tenths of what is free",
      undefined,
      { above: 0 },
    ),
  ),
  cache_limit: optional(
    number(
      "GB that tokens and references may take in .cache at the end of a run, the least recently used going first; null is any",
      20,
      { min: 0 },
    ),
  ),
  retune: flag(
    "Measure again which tile of the matrix products is fastest on this device",
  ),
  seed: integer("Seed of row order, dropout, noise and new weights", 42, {
    min: 0,
  }),
};

/** Steps between checkpoints where nothing says otherwise. */
export const DEFAULT_SAVE_STEPS = 500;

const output = {
  output_dir: text("Folder of the run, under output/", "output/trainer_output"),
  overwrite_output_dir: flag("Empty the folder of an earlier run first"),
  dry_run: flag(
    "Print steps, tokens, bytes and an estimate of the time, and train nothing",
  ),
  resume_from_checkpoint: either(
    flag(
      "Go on from the run's last checkpoint, or from the one named by =PATH",
    ),
    text("Checkpoint"),
  ),
  resume_with_changes: flag(
    "Go on though options, rows or base weights are not those of the checkpoint; changes.jsonl keeps both",
  ),
  restarts: integer(
    "How often to go on from the newest whole checkpoint, on a new device, after the device was lost, had no memory left or did not answer",
    0,
    { min: 0 },
  ),
  step_timeout: optional(
    number(
      "Seconds that the device may take for an answer, one or two a step; 0 is no limit; null is 20 times the slowest so far and at least half an hour, on a CPU two hours",
      undefined,
      { min: 0 },
    ),
  ),
  eval_strategy: choice("When to evaluate", "no", ["no", "steps", "epoch"]),
  eval_steps: optional(
    number(
      "Steps between evaluations; below 1 a share of all; null is logging_steps",
      undefined,
      { above: 0 },
    ),
  ),
  ...bestOptions,
  save_strategy: choice(
    "When to save a checkpoint, best: at each best evaluation; the final weights are saved always",
    "steps",
    ["no", "steps", "epoch", "best"],
  ),
  save_steps: number(
    "Steps between checkpoints; below 1 a share of all",
    DEFAULT_SAVE_STEPS,
    {
      above: 0,
    },
  ),
  save_total_limit: optional(
    integer("Keep only the last N checkpoints; null keeps all", undefined, {
      min: 1,
    }),
  ),
  logging_steps: number(
    "Steps between lines of metrics.jsonl; below 1 a share of all",
    10,
    { above: 0 },
  ),
  logging_first_step: flag("Log the first step too"),
};

/**
 * The options of a training run, under the headings of `--help`.
 *
 * @internal
 */
export const trainGroups = {
  "Model": modelOptions,
  "Data": dataOptions,
  "Method": methodOptions,
  "Reference": referenceOptions,
  "LoRA": loraOptions,
  "Optimizer and schedule": optimizer,
  "Batches": batches,
  "Output, evaluation and checkpoints": output,
};

/** Checked options of a training run. */
export type TrainOptions = ValuesOf<typeof trainGroups>;

/** How frozen weights are kept: `torch_dtype`, or what `bf16` and `fp16` say where it is auto. */
export function frozenDtype(
  { torch_dtype, bf16, fp16 }: Pick<
    TrainOptions,
    "torch_dtype" | "bf16" | "fp16"
  >,
): TrainOptions["torch_dtype"] {
  if (torch_dtype !== "auto") return torch_dtype;
  return bf16 ? "bfloat16" : fp16 ? "float16" : "auto";
}

/** Steps between two events: `every`, which below 1 is a share of all steps, rounded up. */
export function resolveEvery(every: number, totalSteps: number): number {
  return every < 1
    ? Math.max(1, Math.ceil(totalSteps * every))
    : Math.round(every);
}
