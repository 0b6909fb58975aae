/**
 * Translates recipes of Axolotl: its keys, and its defaults where they differ from those here. Its
 * datasets are translated in axolotl_data.ts.
 */
import { axolotlData } from "./axolotl_data.ts";
import { axolotlIgnored, axolotlRefused } from "./axolotl_unserved.ts";
import { isRecord } from "../../base/composite_option.ts";
import { present } from "../../base/present.ts";
import { isOff } from "../../base/read_options.ts";
import {
  nothing,
  only,
  type Recipe,
  type Rule,
  type Rules,
  translate,
  type Translated,
  words,
} from "./translation.ts";

const METHODS: Readonly<Record<string, Recipe>> = {
  dpo: { trainer: "dpo" },
  ipo: { trainer: "dpo", loss_type: ["ipo"] },
  kto: { trainer: "kto" },
  orpo: { trainer: "orpo" },
  simpo: { trainer: "cpo", loss_type: ["simpo"] },
};

const method: Rule = (value) => {
  if (isOff(value) || Object.hasOwn(METHODS, String(value))) return {};
  return {
    refusal: `${JSON.stringify(value)} is not served, only ${
      Object.keys(METHODS).join(", ")
    }`,
  };
};

/** A number of times per epoch as a share of all steps; once in a run is at its epoch's end. */
function perEpoch(name: "eval" | "save", recipe: Recipe): Recipe {
  const times = Number(recipe[`${name}s_per_epoch`] ?? 0) *
    Number(recipe.num_epochs ?? 1);
  return times > 1
    ? { [`${name}_strategy`]: "steps", [`${name}_steps`]: 1 / times }
    : { [`${name}_strategy`]: "epoch" };
}

/** Whether the recipe names rows to evaluate on; without any Axolotl evaluates nothing. */
function hasEvaluation({ test_datasets, val_set_size }: Recipe): boolean {
  return !isOff(test_datasets ?? null) || Number(val_set_size ?? 0) > 0;
}

/** When a run saves and evaluates. */
function events(recipe: Recipe): Recipe {
  const given = (name: "eval" | "save") => ({
    ...(recipe[`${name}_steps`] ?? null) === null
      ? perEpoch(name, recipe)
      : { [`${name}_strategy`]: "steps" },
    ...present({
      [`${name}_strategy`]: recipe[`${name}_strategy`] ?? undefined,
    }),
  });
  return {
    ...given("save"),
    ...(hasEvaluation(recipe) ? given("eval") : { eval_strategy: "no" }),
  };
}

/** Nested codes unless the recipe says otherwise, which is what Axolotl does with 4 bits. */
function nestedCodes(recipe: Recipe): Recipe {
  if (recipe.load_in_4bit !== true && recipe.adapter !== "qlora") return {};
  const { bnb_config_kwargs: given } = recipe;
  const asked = isRecord(given) ? given.bnb_4bit_use_double_quant : undefined;
  return { load_in_4bit: true, use_bnb_nested_quant: asked !== false };
}

/**
 * Translates `lr_groups`. The rate of embeddings becomes the first group, since it wins over the
 * groups in Axolotl.
 */
const rateGroups: Rule = (_, recipe) => {
  const { lr_groups, embedding_lr_scale: scale, embedding_lr } = recipe;
  const lr = scale
    ? Number(scale) * Number(recipe.learning_rate)
    : embedding_lr;
  const modules = ["embed_tokens", "lm_head"];
  const embeddings = lr ? [{ name: "embeddings", modules, lr }] : [];
  const groups = [...embeddings, ...Array.isArray(lr_groups) ? lr_groups : []];
  return { options: { lr_groups: groups.length === 0 ? null : groups } };
};

const METHOD: Rules = {
  base_model: "model_name_or_path",
  tokenizer_config: "tokenizer_name_or_path",
  rl: method,
  reward_model: () => ({}), // see ownTrainer
  simpo_gamma: "simpo_gamma",
  rl_beta: "beta",
  dpo_beta: "beta",
  orpo_alpha: "beta",
  dpo_use_weighting: "use_weighting",
  dpo_label_smoothing: "label_smoothing",
  dpo_loss_type: "loss_type",
  dpo_loss_weights: "loss_weights",
  kto_desirable_weight: "desirable_weight",
  kto_undesirable_weight: "undesirable_weight",
  rpo_alpha: (value) => ({
    options: { loss_type: ["sigmoid", "sft"], loss_weights: [1, value] },
  }),
  train_on_inputs: (value) =>
    value === true
      ? { options: { completion_only_loss: false, assistant_only_loss: false } }
      : {},
  adapter: (value) =>
    isOff(value) || value === "lora" || value === "qlora"
      ? { options: { use_peft: value === "lora" || value === "qlora" } }
      : {
        refusal: `${JSON.stringify(value)} is not served, only lora, qlora`,
      },
  load_in_4bit: () => ({}), // see nestedCodes
  bnb_config_kwargs: (value) =>
    isRecord(value)
      ? { options: present({ bnb_4bit_quant_type: value.bnb_4bit_quant_type }) }
      : {},
  model_config: (value) =>
    isRecord(value)
      ? refusedUnless(["output_router_logits"], Object.keys(value))
      : {},
  reinit_weights: "init_from_config",
  revision_of_model: "model_revision",
  trl: (value, { rl }) =>
    isRecord(value) && !isOff(rl ?? null)
      ? {
        options: present({ beta: value.beta }),
        note: "only its beta is read",
      }
      : {},
  lora_model_dir: "adapter_name_or_path",
  lora_target_linear: (value) =>
    value === true ? { options: { lora_target_modules: "all-linear" } } : {},
  lora_target_modules: (value, { lora_target_linear }) =>
    lora_target_linear === true
      ? { note: "lora_target_linear takes them in" }
      : { options: { lora_target_modules: value } },
  peft_use_dora: "use_dora",
  peft_use_rslora: "use_rslora",
  peft_layers_to_transform: "lora_layers_to_transform",
  peft_layers_pattern: only(
    [null, [], "layers", ["layers"]],
    "blocks are always model.layers",
  ),
  peft_init_lora_weights: "init_lora_weights",
  loraplus_lr_embedding: nothing("embeddings have no adapters here"),
  unfrozen_parameters: (value) =>
    [value].flat().some((one) => /\[\d*:\d*\]$/.test(String(one)))
      ? { refusal: "parameters are trained whole, not some of their rows" }
      : { options: { unfrozen_parameters: value } },
};

const BATCHES: Rules = {
  micro_batch_size: "per_device_train_batch_size",
  eval_batch_size: "per_device_eval_batch_size",
  num_epochs: "num_train_epochs",
  optimizer: "optim",
  lr_groups: rateGroups,
  embedding_lr: rateGroups,
  embedding_lr_scale: rateGroups,
  lr_scheduler: (_, recipe) => ({ options: schedule(recipe) }),
  cosine_min_lr_ratio: () => ({}),
  eta_min: (value) =>
    isOff(value) ? {} : { options: { lr_scheduler_kwargs: { min_lr: value } } },
  adam_eps: "adam_epsilon",
  batch_size: () => ({}), // see defaults
  curriculum_sampling: (value) => ({ options: { shuffle: value !== true } }),
  gradient_checkpointing: (value) => ({
    options: { gradient_checkpointing: value !== false && value !== null },
  }),
  bf16: (value) => ({ options: { bf16: value === true || value === "auto" } }),
  fp16: (value) => ({ options: { fp16: value === true } }),
  bfloat16: (value) => ({ options: { bf16: value === true } }),
  float16: (value) => ({ options: { fp16: value === true } }),
  evals_per_epoch: (value, recipe) =>
    isOff(value) || value === 0 || hasEvaluation(recipe)
      ? {} // see events
      : { note: "no rows are named to evaluate on, as in Axolotl" },
  saves_per_epoch: () => ({}),
  eval_strategy: () => ({}),
  evaluation_strategy: () => ({}),
  save_strategy: () => ({}),
  eval_steps: (value, recipe) =>
    hasEvaluation(recipe)
      ? { options: { eval_steps: value } }
      : isOff(value)
      ? {}
      : { note: "no rows are named to evaluate on, as in Axolotl" },
  save_steps: "save_steps",
};

/** The course of the rate: a cosine unless another is named, down to a share if one is. */
function schedule(
  { lr_scheduler, cosine_min_lr_ratio: ratio, eta_min }: Recipe,
): Recipe {
  const type = isOff(lr_scheduler ?? null) ? "cosine" : lr_scheduler;
  if (type === "cosine" && typeof ratio === "number" && ratio > 0) {
    return {
      lr_scheduler_type: "cosine_with_min_lr",
      lr_scheduler_kwargs: { min_lr_rate: ratio },
    };
  }
  const isFloored = type === "cosine" && !isOff(eta_min ?? null);
  return { lr_scheduler_type: isFloored ? "cosine_with_min_lr" : type };
}

/** Axolotl's templates that ship here too; for all others the model's own template is used. */
const TEMPLATES: Recipe = {
  chatml: "chatml",
  llama3: "llama3",
  gemma: "gemma",
  phi_3: "phi3",
  zephyr: "zephyr",
  mistral_v1: "mistral",
  tokenizer_default: null,
};

const template: Rule = (value) => {
  if (isOff(value)) return {};
  return Object.hasOwn(TEMPLATES, String(value))
    ? { options: { chat_template: TEMPLATES[String(value)] } }
    : {
      note: `${JSON.stringify(value)} is not among the templates here, ` +
        "the model's own is used",
    };
};

const DATA: Rules = {
  datasets: () => ({}), // see axolotl_data.ts
  test_datasets: () => ({}),
  val_set_size: () => ({}),
  shuffle_merged_datasets: () => ({}),
  chat_template: (value, recipe) =>
    value === "jinja" && "chat_template_jinja" in recipe
      ? {}
      : template(value, recipe),
  chat_template_jinja: "chat_template",
  default_system_message: "system",
  sequence_len: "max_length",
  excess_length_strategy: words("length_policy", {
    drop: "drop",
    truncate: "completion_end",
  }),
  dataset_prepared_path: nothing(
    "tokens are kept in .cache/tokens by themselves",
  ),
  dataset_processes: nothing("rows are read and prepared by one thread"),
  sample_packing: "packing",
  "sample_packing_*": nothing("rows are packed a thousand at a time"),
  eval_sample_packing: "eval_packing",
  pad_to_sequence_len: nothing("batches never hold padding"),
  special_tokens: nothing("the tokenizer's own are used"),
  added_tokens_overrides: nothing("the tokenizer's own are used"),
};

const MACHINE: Rules = {
  plugins: (value) => {
    const names = [value].flat().map(String);
    const other = names.filter((name) => !KERNEL_PLUGINS.test(name));
    if (isOff(value)) return {};
    return other.length === 0
      ? { note: "the kernels here are fused already" }
      : { refusal: `${other.join(", ")} is not served` };
  },
};

const KERNEL_PLUGINS =
  /CutCrossEntropy|Liger|Kernels|ScatterMoe|SonicMoe|Spectrum/i;

function refusedUnless(known: readonly string[], keys: readonly string[]) {
  const other = keys.filter((key) => !known.includes(key));
  return other.length === 0
    ? { note: "the router's loss follows router_aux_loss_coef" }
    : { refusal: `${other.join(", ")} of the model cannot be changed` };
}

/** The trainer and what Axolotl's defaults differ in from those here. */
function defaults(recipe: Recipe): Recipe {
  const size = Number(recipe.micro_batch_size ?? 1);
  const isSft = isOff(recipe.rl ?? null) && recipe.reward_model !== true;
  const { batch_size: total, warmup_steps, warmup_ratio } = recipe;
  return {
    ...(recipe.reward_model === true ? { trainer: "reward" } : {}),
    ...(isSft ? { trainer: "sft", assistant_only_loss: true } : {}),
    ...METHODS[String(recipe.rl)],
    ...(isSft ? {} : { beta: 0.1 }),
    max_length: 512,
    num_train_epochs: 1,
    per_device_train_batch_size: size,
    per_device_eval_batch_size: size,
    ...(total && !recipe.gradient_accumulation_steps
      ? {
        gradient_accumulation_steps: Math.max(
          1,
          Math.floor(Number(total) / size),
        ),
      }
      : {}),
    ...schedule(recipe),
    ...((warmup_steps ?? warmup_ratio ?? null) === null
      ? { warmup_ratio: 0.03 }
      : {}),
    save_total_limit: 4,
    ...events(recipe),
    ...nestedCodes(recipe),
  };
}

/** The keys of Axolotl. */
export const axolotlRules: Rules = {
  ...axolotlIgnored,
  ...axolotlRefused,
  ...METHOD,
  ...BATCHES,
  ...DATA,
  ...MACHINE,
};

/** Translates a recipe of Axolotl. */
export function fromAxolotl(recipe: Recipe): Translated {
  const own = translate(recipe, axolotlRules);
  const data = axolotlData(recipe);
  return {
    options: { ...defaults(recipe), ...data.options, ...own.options },
    notes: [...own.notes, ...data.notes],
    refusals: [
      ...own.refusals ?? [],
      ...data.refusals ?? [],
    ],
  };
}
