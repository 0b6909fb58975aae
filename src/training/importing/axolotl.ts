/**
 * Translates recipes of Axolotl: its keys, and its defaults where they differ from those here. Its
 * datasets are translated in axolotl_data.ts.
 */
import { axolotlData } from "./axolotl_data.ts";
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
  simpo: { trainer: "cpo", loss_type: ["simpo"], cpo_alpha: 0 },
};

const method: Rule = (value) => {
  const options = METHODS[String(value)];
  return options ? { options } : {
    note: `${JSON.stringify(value)} is not served, only ${
      Object.keys(METHODS).join(", ")
    }`,
  };
};

/** Translates a number of times per epoch into a share of all steps. */
function perEpoch(name: "eval" | "save"): Rule {
  return (value, recipe) => ({
    options: {
      [`${name}_strategy`]: "steps",
      [`${name}_steps`]: 1 / (Number(value) * Number(recipe.num_epochs ?? 1)),
    },
  });
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
  train_on_inputs: (value) => ({
    options: { completion_only_loss: value !== true },
  }),
  adapter: (value) => ({
    options: value === "qlora"
      ? { use_peft: true, load_in_4bit: true }
      : { use_peft: value === "lora" },
    ...(["lora", "qlora", null, ""].includes(value as string)
      ? {}
      : { note: `${JSON.stringify(value)} is not served, only lora, qlora` }),
  }),
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
      ? { note: "parameters are trained whole, not some of their rows" }
      : { options: { unfrozen_parameters: value } },
  lora_fan_in_fan_out: only([false, null], "weights lie one way only"),
  "lora_mlp_kernel": nothing("the kernels here are fused already"),
  "lora_qkv_kernel": nothing("the kernels here are fused already"),
  "lora_o_kernel": nothing("the kernels here are fused already"),
};

const BATCHES: Rules = {
  micro_batch_size: "per_device_train_batch_size",
  eval_batch_size: "per_device_eval_batch_size",
  num_epochs: "num_train_epochs",
  optimizer: "optim",
  lr_groups: rateGroups,
  embedding_lr: rateGroups,
  embedding_lr_scale: rateGroups,
  lr_scheduler: (value, { cosine_min_lr_ratio: ratio }) => ({
    options: value === "cosine" && typeof ratio === "number" && ratio > 0
      ? {
        lr_scheduler_type: "cosine_with_min_lr",
        lr_scheduler_kwargs: { min_lr_rate: ratio },
      }
      : { lr_scheduler_type: value },
  }),
  cosine_min_lr_ratio: () => ({}),
  gradient_checkpointing: (value) => ({
    options: { gradient_checkpointing: value !== false && value !== null },
  }),
  bf16: (value) => ({ options: { bf16: value === true || value === "auto" } }),
  fp16: (value) => ({ options: { fp16: value === true } }),
  evals_per_epoch: perEpoch("eval"),
  saves_per_epoch: perEpoch("save"),
  auto_resume_from_checkpoints: only([false], "say --resume_from_checkpoint"),
};

/** Axolotl's templates that ship here too; for all others the model's own template is used. */
const template = words("chat_template", {
  chatml: "chatml",
  llama3: "llama3",
  gemma: "gemma",
  phi_3: "phi3",
  zephyr: "zephyr",
  mistral_v1: "mistral",
  tokenizer_default: null,
});

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
  default_system_message: nothing("write it into the rows"),
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
  tokens: only([null, []], "no tokens are added to the embedding"),
};

const MACHINE: Rules = {
  model_type: nothing("config.json tells the family"),
  tokenizer_type: nothing("tokenizer.json tells it"),
  tokenizer_use_fast: nothing("tokenizer.json tells it"),
  base_model_config: nothing("config.json tells the family"),
  "is_*": nothing("config.json tells the family"),
  flash_attention: nothing("attention has one kernel, without a T x T buffer"),
  "flash_attn_*": nothing("attention has one kernel, without a T x T buffer"),
  xformers_attention: nothing(
    "attention has one kernel, without a T x T buffer",
  ),
  sdp_attention: nothing("attention has one kernel, without a T x T buffer"),
  s2_attention: only([false, null], "not served here"),
  strict: nothing("unknown keys always stop a run"),
  debug: nothing("see the inspect task"),
  plugins: nothing("the kernels here are fused already"),
  "cut_cross_entropy": nothing("full logits never exist here"),
  gptq: only([false, null], "not served here"),
  "mlflow_*": nothing("metrics go to output_dir/metrics.jsonl"),
  "comet_*": nothing("metrics go to output_dir/metrics.jsonl"),
  "hf_use_auth_token": nothing("give it to the download task"),
};

/** Translates a recipe of Axolotl. */
export function fromAxolotl(recipe: Recipe): Translated {
  const own = translate(recipe, { ...METHOD, ...BATCHES, ...DATA, ...MACHINE });
  const data = axolotlData(recipe);
  const isSft = recipe.rl === undefined || recipe.rl === null;
  const defaults = isSft
    ? { trainer: "sft", assistant_only_loss: true, max_length: 2048 }
    : { max_length: 2048 };
  return {
    options: { ...defaults, ...data.options, ...own.options },
    notes: [...own.notes, ...data.notes],
  };
}
