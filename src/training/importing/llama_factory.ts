/**
 * Translates recipes of LLaMA-Factory: its keys, and its defaults where they differ from those
 * here. Its datasets are translated in llama_factory_data.ts.
 */
import { isOff } from "../../base/read_options.ts";
import {
  ignored,
  nothing,
  only,
  type Recipe,
  refusedKeys,
  type Rule,
  type Rules,
  translate,
  type Translated,
  words,
} from "./translation.ts";

const GOES_WITH_STAGE = nothing("it matters in other stages only");

const LOSSES: Readonly<Record<string, Recipe>> = {
  sigmoid: { loss_type: ["sigmoid"] },
  hinge: { loss_type: ["hinge"] },
  ipo: { loss_type: ["ipo"] },
  orpo: { trainer: "orpo" },
  simpo: { trainer: "cpo", loss_type: ["simpo"], cpo_alpha: 0 },
};

/** Translates `pref_loss`, with `pref_ftx` and `pref_bco_weight` as further losses. */
const preferenceLoss: Rule = (value, recipe) => {
  const own = LOSSES[String(value)];
  if (own === undefined) {
    return {
      refusal: `${JSON.stringify(value)} is not served, only ${
        Object.keys(LOSSES).join(", ")
      }`,
    };
  }
  const extra = [["sft", recipe.pref_ftx], ["bco_pair", recipe.pref_bco_weight]]
    .filter(([, weight]) => Number(weight ?? 0) > 0);
  if (extra.length === 0 || own.trainer !== undefined) return { options: own };
  return {
    options: {
      loss_type: [String(value), ...extra.map(([name]) => name)],
      loss_weights: [1, ...extra.map(([, weight]) => Number(weight))],
    },
  };
};

/** Translates the weight of a further loss if `pref_loss`, which would do it, is not given. */
const extraLoss: Rule = (_, recipe) =>
  "pref_loss" in recipe ? {} : preferenceLoss("sigmoid", recipe);

/**
 * The options for what `finetuning_type: freeze` trains: the last two blocks, unless the recipe
 * says otherwise.
 */
function frozenParts(recipe: Recipe): Recipe {
  const { freeze_trainable_layers, freeze_extra_modules: extra } = recipe;
  const modules = typeof extra === "string" ? extra.split(",") : [];
  const names = modules.map((name) => `(model\\.)?${name.trim()}\\.`);
  return {
    freeze_trainable_layers: freeze_trainable_layers ?? 2,
    ...(names.length > 0 ? { unfrozen_parameters: names } : {}),
  };
}

const withFreeze: Rule = (_, recipe) =>
  recipe.finetuning_type === "freeze"
    ? {}
    : { note: "it matters with finetuning_type freeze only" };

const METHOD: Rules = {
  stage: words("trainer", {
    dpo: "dpo",
    sft: "sft",
    kto: "kto",
    rm: "reward",
    pt: "sft",
  }),
  finetuning_type: words("use_peft", {
    lora: true,
    full: false,
    freeze: false,
  }),
  pref_beta: "beta",
  pref_loss: preferenceLoss,
  pref_ftx: extraLoss,
  pref_bco_weight: extraLoss,
  simpo_gamma: "simpo_gamma",
  dpo_label_smoothing: "label_smoothing",
  kto_chosen_weight: "desirable_weight",
  kto_rejected_weight: "undesirable_weight",
  train_on_prompt: (value) => ({
    options: { completion_only_loss: value !== true },
  }),
  mask_history: (value) => ({
    options: { assistant_only_loss: value !== true },
  }),
  lora_rank: "lora_r",
  lora_target: (value) => ({
    options: { lora_target_modules: value === "all" ? "all-linear" : value },
  }),
  additional_target: "lora_modules_to_save",
  pissa_init: (value) =>
    value === true ? { options: { init_lora_weights: "pissa" } } : {},
  pissa_iter: nothing("the number of iterations is fixed"),
  pissa_convert: only(
    [true],
    "an adapter that started so is always saved converted, for the original base",
  ),
  loraplus_lr_embedding: nothing("embeddings have no adapters here"),
  adapter_name_or_path: (value) =>
    String(value).includes(",")
      ? { refusal: "merge all adapters but the last one first" }
      : { options: { adapter_name_or_path: value } },
  quantization_bit: (value, { double_quantization: nested }) =>
    [4, 8].includes(Number(value))
      ? {
        options: {
          [`load_in_${value}bit`]: true,
          ...(Number(value) === 4
            ? { use_bnb_nested_quant: nested !== false }
            : {}),
        },
      }
      : { refusal: `${JSON.stringify(value)} is not served, only 4, 8` },
  quantization_type: "bnb_4bit_quant_type",
  double_quantization: () => ({}), // see quantization_bit
  quantization_method: only(["bnb", "bitsandbytes"], "not served here"),
  freeze_trainable_layers: withFreeze,
  freeze_trainable_modules: (value, recipe) =>
    value === "all" || recipe.finetuning_type !== "freeze" ? {} : {
      note:
        "all of a block is trained; name its modules in unfrozen_parameters in the place of freeze_trainable_layers",
    },
  freeze_extra_modules: withFreeze,
  "ppo_*": GOES_WITH_STAGE,
  "reward_model*": GOES_WITH_STAGE,
};

const DATA: Rules = {
  dataset: () => ({}), // see llama_factory_data.ts
  dataset_dir: () => ({}),
  mix_strategy: () => ({}),
  interleave_probs: () => ({}),
  val_size: () => ({}),
  eval_dataset: () => ({}),
  max_samples: () => ({}), // see llama_factory_data.ts
  cutoff_len: (value) => ({
    options: { max_length: value, length_policy: "completion_end" },
    note:
      "LLaMA-Factory cuts prompt and answer in proportion, here the answers' ends are cut",
  }),
  template: nothing(
    "the model's own chat template is used; name another by chat_template",
  ),
  default_system: "system",
  tool_format: nothing("the chat template prints the tools"),
  enable_thinking: "enable_thinking",
  tokenized_path: nothing("tokens are kept in .cache/tokens by themselves"),
  overwrite_cache: nothing("caches are found by a hash of what they hold"),
  preprocessing_batch_size: nothing("rows are read one after the other"),
  buffer_size: nothing("large files are always read in pieces"),
  packing: (value, { neat_packing }) => ({
    options: value === true && neat_packing !== true
      ? { packing: true, packing_strategy: "wrapped" }
      : { packing: value === true },
  }),
  neat_packing: (value, recipe) => ({
    options: value === true && !("packing" in recipe) ? { packing: true } : {},
  }),
  media_dir: nothing("pictures and sounds are not served"),
};

const UNSERVED: Rules = {
  ...refusedKeys("this way of training is not served", [
    "use_apollo",
    "apollo_*",
    "use_adam_mini",
    "use_badam",
    "badam_*",
    "use_galore",
    "galore_*",
    "use_muon",
    "use_llama_pro",
    "use_dft_loss",
    "use_asft_loss",
    "asft_alpha",
    "use_eaft_loss",
    "eaft_*",
    "mixture_of_depths",
    "oft_*",
    "shift_attn",
  ]),
  ...refusedKeys("pictures and sounds are not served", [
    "image_max_pixels",
    "video_max_pixels",
    "image_min_pixels",
    "freeze_vision_tower",
    "freeze_multi_modal_projector",
    "freeze_language_model",
  ]),
  ...refusedKeys("no tokens are added to the embedding", [
    "add_tokens",
    "add_special_tokens",
    "new_special_tokens_config",
  ]),
  do_predict: (value, { do_train }) =>
    value === true && do_train !== true
      ? { refusal: "the recipe trains nothing; see the predict task" }
      : {},
  ...ignored("one process drives the device", [
    "use_kt",
    "kt_*",
    "use_v1_kernels",
    "fp8*",
  ]),
};

const MACHINE: Rules = {
  flash_attn: nothing("attention has one kernel, without a T x T buffer"),
  enable_liger_kernel: nothing("the kernels here are fused already"),
  "use_unsloth*": nothing("the kernels here are fused already"),
  disable_gradient_checkpointing: (value) => ({
    options: { gradient_checkpointing: value !== true },
  }),
  pure_bf16: only([false], "trained weights are always float32"),
  plot_loss: nothing("curves.svg is always drawn"),
  "ray_*": nothing("one process drives the device"),
  "swanlab_*": nothing("metrics go to output_dir/metrics.jsonl"),
  use_swanlab: nothing("metrics go to output_dir/metrics.jsonl"),
  "infer_*": nothing("see the predict task"),
  "vllm_*": nothing("see the predict task"),
  "export_*": nothing("see the merge task"),
  "hf_hub_token": nothing("give it to the download task"),
  "ms_hub_token": nothing("give it to the download task"),
  low_cpu_mem_usage: nothing("weights are read piece by piece"),
  use_fast_tokenizer: nothing("tokenizer.json tells it"),
  use_reentrant_gc: nothing("blocks are recomputed one way only"),
  "upcast_*": nothing("trained weights and sums are float32"),
  ignore_pad_token_for_loss: nothing("batches never hold padding"),
  compute_accuracy: nothing("an evaluation says it always"),
  predict_with_generate: nothing("see the predict task"),
  print_param_status: nothing("the run says how many parameters are trained"),
};

/**
 * LLaMA-Factory's defaults for keys that a recipe does not have, where they differ from those here.
 */
function defaults(recipe: Recipe): Recipe {
  const isLora = (recipe.finetuning_type ?? "lora") === "lora";
  const rank = Number(recipe.lora_rank ?? 8);
  const isSft = recipe.stage === "sft" || recipe.stage === undefined;
  return {
    trainer: "sft",
    learning_rate: 5e-5,
    num_train_epochs: 3,
    logging_steps: 500,
    ...(recipe.stage === "pt" && isOff(recipe.packing ?? null) &&
        recipe.packing !== false
      ? { packing: true, packing_strategy: "wrapped" }
      : {}),
    max_length: 2048,
    length_policy: "completion_end",
    gradient_checkpointing: true,
    ...(isLora ? { use_peft: true, lora_r: 8, lora_alpha: 2 * rank } : {}),
    ...(recipe.finetuning_type === "freeze" ? frozenParts(recipe) : {}),
    ...(isSft ? { assistant_only_loss: true } : {}),
  };
}

/** The keys of LLaMA-Factory; those of its datasets stand here without a translation. */
export const llamaFactoryRules: Rules = {
  ...METHOD,
  ...DATA,
  ...MACHINE,
  ...UNSERVED,
};

/** Translates a recipe of LLaMA-Factory, except its datasets. */
export function fromLlamaFactory(recipe: Recipe): Translated {
  const { options, notes, refusals = [] } = translate(
    recipe,
    llamaFactoryRules,
  );
  return { options: { ...defaults(recipe), ...options }, notes, refusals };
}
