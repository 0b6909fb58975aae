/**
 * Translates recipes of LLaMA-Factory v1, which have other keys than those of before: the adapter,
 * the codes and the optimizer each in a record of their own. Its defaults are those of commit
 * ff6d4d1.
 */
import { numbered, worded } from "../../base/shown.ts";
import { isRecord } from "../../base/composite_option.ts";
import { isOff } from "../../base/read_options.ts";
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
  words,
} from "./translation.ts";

/** A record of the recipe, empty if it has none. */
function within(recipe: Recipe, name: string): Recipe {
  const value = recipe[name];
  return isRecord(value) ? value : {};
}

const isFreeze = (recipe: Recipe) =>
  within(recipe, "peft_config").name === "freeze";

/** The rule of a key of `peft_config` that only `freeze` reads. */
function ofFreeze(rule: Rule): Rule {
  return (value, recipe) =>
    !isFreeze(recipe)
      ? { note: "it matters with freeze only" }
      : typeof rule === "string"
      ? { options: { [rule]: value } }
      : rule(value, recipe);
}

const ADAPTER: Rules = {
  "peft_config.name": words("use_peft", { lora: true, freeze: false }),
  "peft_config.r": "lora_r",
  "peft_config.lora_alpha": "lora_alpha",
  "peft_config.lora_dropout": "lora_dropout",
  "peft_config.target_modules": (value) => ({
    options: { lora_target_modules: value === "all" ? "all-linear" : value },
  }),
  "peft_config.use_rslora": "use_rslora",
  "peft_config.use_dora": "use_dora",
  "peft_config.modules_to_save": "lora_modules_to_save",
  "peft_config.adapter_name_or_path": (value) => {
    const [first, ...others] = [value].flat();
    return others.length > 0
      ? { refusal: "merge all adapters but the last one first" }
      : { options: { adapter_name_or_path: first ?? null } };
  },
  "peft_config.freeze_trainable_layers": ofFreeze("freeze_trainable_layers"),
  "peft_config.freeze_trainable_modules": ofFreeze(only(
    ["all", ["all"]],
    "all of a block is trained; name its modules in unfrozen_parameters",
  )),
  "peft_config.freeze_extra_modules": ofFreeze((value) => {
    const names = typeof value === "string" ? value.split(",") : value;
    return isOff(names) ? {} : {
      options: {
        unfrozen_parameters: [names].flat().map((name) =>
          `(model\\.)?${worded(name).trim()}\\.`
        ),
      },
    };
  }),
  "peft_config.cast_trainable_params_to_fp32": nothing(
    "trained weights are always float32",
  ),
  ...ignored("see the merge task", [
    "peft_config.export_*",
    "peft_config.infer_dtype",
  ]),
};

const MUON = "it belongs to muon, which is not served";

const OPTIMIZER: Rules = {
  "optim_config.name": (value) =>
    value === null || /^adamw/.test(worded(value))
      ? {}
      : { refusal: `${JSON.stringify(value)} is not served, only adamw` },
  "optim_config.lr": "learning_rate",
  "optim_config.wd": "weight_decay",
  "optim_config.adamw_betas": (value) =>
    Array.isArray(value)
      ? { options: { adam_beta1: value[0], adam_beta2: value[1] } }
      : {},
  "optim_config.adamw_eps": "adam_epsilon",
  ...refusedKeys(MUON, [
    "optim_config.momentum",
    "optim_config.nesterov",
    "optim_config.ns_steps",
  ]),
  lr_scheduler_config: refused("give lr_scheduler_type"),
};

const METHOD: Rules = {
  stage: words("trainer", { sft: "sft", dpo: "dpo", rm: "reward" }),
  pref_beta: "beta",
  dpo_beta: "beta",
  dpo_label_smoothing: "label_smoothing",
  pref_loss: only(
    ["sigmoid", null],
    "write it in the words of LLaMA-Factory before v1, with stage: dpo",
  ),
  pref_ftx: (value) =>
    isOff(value) || value === 0 ? {} : {
      options: { loss_type: ["sigmoid", "sft"], loss_weights: [1, value] },
    },
  simpo_gamma: nothing("it matters with simpo only"),
};

/** The keys of LLaMA-Factory v1. */
export const llamaFactoryV1Rules: Rules = {
  model: "model_name_or_path",
  model_class: only(["llm", null], "only language models are served"),
  custom_chat_template: "chat_template",
  cutoff_len: "max_length",
  micro_batch_size: "per_device_train_batch_size",
  global_batch_size: (value, { micro_batch_size: size = 1 }) =>
    value === null ? {} : {
      options: {
        gradient_accumulation_steps: Math.max(
          1,
          Math.floor(numbered(value) / numbered(size)),
        ),
      },
    },
  train_dataset: "dataset",
  eval_dataset: "eval_dataset",
  enable_activation_checkpointing: "gradient_checkpointing",
  save_epochs: (value) =>
    value === null
      ? {}
      : numbered(value) === 1
      ? { options: { save_strategy: "epoch" } }
      : { refusal: "a run saves at each epoch, or every save_steps" },
  save_steps: (value) =>
    value === null
      ? {}
      : { options: { save_strategy: "steps", save_steps: value } },
  "quant_config.name": only(["bnb", null], "only bnb's codes are served"),
  "quant_config.quantization_bit": (value) =>
    [4, 8].includes(numbered(value))
      ? { options: { [`load_in_${value}bit`]: true } }
      : { refusal: `${JSON.stringify(value)} is not served, only 4, 8` },
  "quant_config.quantization_type": "bnb_4bit_quant_type",
  "quant_config.double_quantization": "use_bnb_nested_quant",
  "quant_config.compute_dtype": nothing("arithmetic is float32"),
  template: nothing("the model's own chat template is used"),
  ...ignored("one process drives the device", [
    "dist_config",
    "dist_timeout",
    "dp_size",
    "cp_size",
    "cp_mode",
    "mp_*",
    "init_config",
    "batching_workers",
  ]),
  ...ignored("the kernels here are fused already", ["kernel_config"]),
  ...ignored("batches never hold padding", ["batching_strategy"]),
  ...ignored("attention has one kernel, without a T x T buffer", [
    "flash_attn",
  ]),
  ...ignored("see the predict task", ["max_new_tokens", "sample_backend"]),
  save_ckpt_as_hf: nothing("the final weights are Hugging Face's layout"),
  ...METHOD,
  ...ADAPTER,
  ...OPTIMIZER,
};

/** What v1 does where a recipe does not say it, and here is otherwise. */
function defaults(recipe: Recipe): Recipe {
  const { name } = within(recipe, "peft_config");
  const bits = numbered(within(recipe, "quant_config").quantization_bit);
  return {
    max_length: 2048,
    length_policy: "keep_start",
    learning_rate: 1e-4,
    num_train_epochs: 3,
    per_device_train_batch_size: 1,
    lr_scheduler_type: "constant",
    weight_decay: 0.01, // PyTorch's AdamW
    logging_steps: 1,
    save_strategy: "no",
    gradient_checkpointing: true,
    router_aux_loss_coef: 0,
    ...(name === "lora"
      ? {
        lora_r: 8,
        lora_alpha: 16,
        lora_dropout: 0.05,
        lora_target_modules: "all-linear",
      }
      : {}),
    ...(name === "freeze" ? { freeze_trainable_layers: 2 } : {}),
    ...(bits === 4 ? { use_bnb_nested_quant: true } : {}),
  };
}

/** Translates a recipe of LLaMA-Factory v1. */
export function fromLlamaFactoryV1(recipe: Recipe): Translated {
  const own = translate(recipe, llamaFactoryV1Rules);
  const hasPreference = Object.keys(recipe).some((key) =>
    /^(pref_|dpo_|simpo_gamma$)/.test(key)
  );
  const trainer = hasPreference ? "dpo" : "sft";
  const isSft = (own.options.trainer ?? trainer) === "sft";
  return {
    ...own,
    options: {
      trainer,
      ...defaults(recipe),
      ...(isSft ? { assistant_only_loss: true } : {}),
      ...own.options,
    },
    notes: "stage" in recipe || "trainer" in recipe ? own.notes : [{
      key: "trainer",
      reason:
        `taken to be ${trainer}, the file does not name it; give another by trainer`,
    }, ...own.notes],
  };
}
