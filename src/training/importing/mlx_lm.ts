/**
 * Translates recipes of mlx-lm, `mlx_lm.lora --config`. Its defaults are those of 0.32.0. It adapts
 * the last blocks of a model, which are counted by the model's config.json.
 */
import { numbered, worded } from "../../base/shown.ts";
import { own } from "../../base/own.ts";
import { isRecord } from "../../base/composite_option.ts";
import { present } from "../../base/present.ts";
import { isOff } from "../../base/read_options.ts";
import type { ReadJson } from "./llama_factory_data.ts";
import {
  ignored,
  nothing,
  only,
  type Recipe,
  refused,
  refusedKeys,
  type Rule,
  type Rules,
  translate,
  type Translated,
  type Translation,
} from "./translation.ts";

/** Keys that no other tool's recipes have. */
const OWN_KEYS = [
  "fine_tune_type",
  "lora_parameters",
  "iters",
  "steps_per_report",
  "steps_per_eval",
  "adapter_path",
  "resume_adapter_file",
  "grad_checkpoint",
  "mask_prompt",
  "lora_layers",
];

/** Whether a recipe has keys that only mlx-lm reads. */
export function isMlxLm(recipe: Recipe): boolean {
  return OWN_KEYS.some((key) => key in recipe);
}

const OPTIMIZERS: Readonly<Record<string, string>> = {
  adam: "adamw_torch",
  adamw: "adamw_torch",
  sgd: "sgd",
};

function optimizerOf({ optimizer }: Recipe): string {
  return worded(optimizer ?? "adam").toLowerCase();
}

/** The numbers that `optimizer_config` gives the optimizer of the recipe. */
function numbersOf(recipe: Recipe): Recipe {
  const { optimizer_config: all } = recipe;
  const own = isRecord(all) ? all[optimizerOf(recipe)] : undefined;
  return isRecord(own) ? own : {};
}

const UNCORRECTED =
  "Adam's moments are corrected for their start here; mlx does so with bias_correction only";

function optimizer(recipe: Recipe): Translation {
  const name = optimizerOf(recipe);
  const optim = own(OPTIMIZERS, name);
  if (optim === undefined) {
    return {
      refusal: `${JSON.stringify(name)} is not served, only ${
        Object.keys(OPTIMIZERS).join(", ")
      }`,
    };
  }
  const { betas, eps, weight_decay, momentum, bias_correction } = numbersOf(
    recipe,
  );
  return {
    options: {
      optim,
      weight_decay: weight_decay ?? (name === "adamw" ? 0.01 : 0),
      ...present({
        adam_beta1: Array.isArray(betas) ? betas[0] : undefined,
        adam_beta2: Array.isArray(betas) ? betas[1] : undefined,
        adam_epsilon: eps,
        optim_args: momentum === undefined ? undefined : { momentum },
      }),
    },
    ...(name === "sgd" || bias_correction === true
      ? {}
      : { note: UNCORRECTED }),
  };
}

/** Steps of mlx-lm are micro-batches; those here are updates. */
function updates(value: unknown, recipe: Recipe): number {
  const micro = numbered(recipe.grad_accumulation_steps ?? 1);
  return Math.max(1, Math.floor(numbered(value) / micro));
}

const every = (name: string): Rule => (value, recipe) =>
  value === null ? {} : { options: { [name]: updates(value, recipe) } };

/** The keys of mlx-lm. */
export const mlxLmRules: Rules = {
  model: "model_name_or_path",
  train: only([true], "the recipe trains nothing"),
  fine_tune_type: (value) =>
    ["lora", "dora", "full", null].includes(value as string) ? {} : {
      refusal: `${JSON.stringify(value)} is not served, only lora, dora, full`,
    },
  data: "dataset",
  hf_dataset: refused("name it in dataset_mixture"),
  batch_size: (value) => ({
    options: {
      per_device_train_batch_size: value,
      per_device_eval_batch_size: value,
    },
  }),
  grad_accumulation_steps: "gradient_accumulation_steps",
  grad_checkpoint: "gradient_checkpointing",
  iters: every("max_steps"),
  steps_per_report: every("logging_steps"),
  steps_per_eval: every("eval_steps"),
  save_every: every("save_steps"),
  val_batches: (value, { batch_size: size }) =>
    numbered(value) > 0
      ? { options: { max_eval_samples: numbered(value) * numbered(size ?? 4) } }
      : numbered(value) === 0
      ? { options: { eval_strategy: "no" } }
      : { options: { max_eval_samples: null } },
  adapter_path: "output_dir",
  resume_adapter_file: refused(
    "adapters of mlx-lm are not read; train a new one",
  ),
  mask_prompt: (value) => ({
    options: { completion_only_loss: value === true },
  }),
  "lora_parameters.rank": () => ({}), // see adapter
  "lora_parameters.scale": () => ({}),
  "lora_parameters.dropout": "lora_dropout",
  "lora_parameters.keys": (value) =>
    isOff(value) ? {} : { options: { lora_target_modules: value } },
  num_layers: () => ({}), // see lastBlocks
  lora_layers: () => ({}),
  optimizer: (_, recipe) => optimizer(recipe),
  optimizer_config: () => ({}), // see optimizer
  lr_schedule: refused("give lr_scheduler_type and warmup_steps"),
  ...refusedKeys("this way of training is not served", ["train_mode"]),
  ...ignored("see the score task", ["test", "test_batches"]),
  ...ignored("metrics go to output_dir/metrics.jsonl", [
    "report_to",
    "project_name",
    "wandb",
  ]),
  config: nothing("it names the file itself"),
  clear_cache_threshold: nothing("memory is planned before a run"),
};

function adapter(recipe: Recipe): Recipe {
  const { fine_tune_type: type = "lora", lora_parameters: given } = recipe;
  if (type === "full") return { use_peft: false };
  const { rank = 8, scale = 20 } = isRecord(given) ? given : {};
  return {
    use_peft: true,
    ...(type === "dora" ? { use_dora: true } : {}),
    lora_r: rank,
    lora_alpha: numbered(rank) * numbered(scale), // its scale is alpha / rank
    lora_dropout: 0,
    lora_target_modules: "all-linear",
  };
}

/** How many blocks the model has; undefined if its config.json is not here. */
async function blocksOf(
  { model }: Recipe,
  readJson: ReadJson,
): Promise<number | undefined> {
  const found = await readJson(`${worded(model)}/config.json`) ??
    await readJson(`model_hub/${worded(model)}/config.json`);
  const count = isRecord(found) ? found.num_hidden_layers : undefined;
  return typeof count === "number" ? count : undefined;
}

/** The options for `num_layers`, the last so many blocks; all of them if it is negative. */
async function lastBlocks(
  recipe: Recipe,
  readJson: ReadJson,
): Promise<Translation> {
  const count = numbered(recipe.num_layers ?? recipe.lora_layers ?? 16);
  const isFull = recipe.fine_tune_type === "full";
  if (isFull) {
    return count > 0
      ? { options: { freeze_trainable_layers: count } }
      : { options: { unfrozen_parameters: ["(model\\.)?layers\\."] } };
  }
  if (count <= 0) return {};
  const blocks = await blocksOf(recipe, readJson);
  if (blocks === undefined) {
    return {
      refusal:
        `the last ${count} blocks are adapted, and the model is not here to count them: ` +
        "download it first, or say -1 for all",
    };
  }
  const first = Math.max(0, blocks - count);
  return first === 0 ? {} : {
    options: {
      lora_layers_to_transform: Array.from(
        { length: blocks - first },
        (_, i) => first + i,
      ),
    },
  };
}

/** Translates a recipe of mlx-lm. */
export async function fromMlxLm(
  recipe: Recipe,
  readJson: ReadJson,
): Promise<Translated> {
  const { options, notes, refusals = [] } = translate(recipe, mlxLmRules);
  const blocks = await lastBlocks(recipe, readJson);
  const own = "optimizer" in recipe ? {} : optimizer(recipe);
  return {
    options: {
      trainer: "sft",
      completion_only_loss: false,
      dataset_splits: ["train", "valid"],
      ...adapter(recipe),
      ...blocks.options,
      learning_rate: 1e-5,
      lr_scheduler_type: "constant",
      per_device_train_batch_size: 4,
      per_device_eval_batch_size: 4,
      max_length: 2048,
      router_aux_loss_coef: 0,
      length_policy: "keep_start",
      max_grad_norm: 0, // it clips nothing
      max_steps: updates(1000, recipe),
      logging_steps: updates(10, recipe),
      save_steps: updates(100, recipe),
      eval_strategy: "steps",
      eval_steps: updates(200, recipe),
      max_eval_samples: 25 * numbered(recipe.batch_size ?? 4),
      seed: 0,
      ...own.options,
      ...options,
    },
    notes: own.note === undefined
      ? notes
      : [{ key: "optimizer", reason: own.note }, ...notes],
    refusals: blocks.refusal === undefined
      ? refusals
      : [{ key: "num_layers", reason: blocks.refusal }, ...refusals],
  };
}
