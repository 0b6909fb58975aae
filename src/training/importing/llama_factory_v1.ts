/**
 * Translates recipes of LLaMA-Factory v1, which have other keys than those of before: the adapter,
 * the codes and the optimizer each in a record of their own.
 */
import { isRecord } from "../../base/composite_option.ts";
import { present } from "../../base/present.ts";
import {
  ignored,
  nothing,
  only,
  type Recipe,
  type Rule,
  type Rules,
  translate,
  type Translated,
} from "./translation.ts";

const adapter: Rule = (value) => {
  if (!isRecord(value)) return {};
  const { name, target_modules: target } = value;
  if (name === "freeze") {
    return {
      options: {
        use_peft: false,
        freeze_trainable_layers: value.freeze_trainable_layers ?? 2,
      },
    };
  }
  if (name !== "lora") {
    return {
      refusal: `${JSON.stringify(name)} is not served, only lora, freeze`,
    };
  }
  return {
    options: present({
      use_peft: true,
      lora_r: value.r ?? undefined,
      lora_alpha: value.lora_alpha ?? undefined,
      lora_dropout: value.lora_dropout ?? undefined,
      adapter_name_or_path: value.adapter_name_or_path ?? undefined,
      lora_target_modules: target === "all"
        ? "all-linear"
        : target ?? undefined,
    }),
    ...("export_dir" in value ? { note: "see the merge task" } : {}),
  };
};

const codes: Rule = (value) => {
  if (!isRecord(value)) return {};
  const bits = Number(value.quantization_bit);
  return value.name === "bnb" && (bits === 4 || bits === 8)
    ? { options: { [`load_in_${bits}bit`]: true } }
    : {
      refusal: `${JSON.stringify(value)} is not served, only bnb of 4, 8 bits`,
    };
};

const optimizer: Rule = (value) => {
  if (!isRecord(value)) return {};
  const { name = "adamw", wd, adamw_betas: betas, adamw_eps } = value;
  if (!/^adamw/.test(String(name))) {
    return { refusal: `${JSON.stringify(name)} is not served, only adamw` };
  }
  return {
    options: present({
      weight_decay: wd,
      adam_epsilon: adamw_eps,
      adam_beta1: Array.isArray(betas) ? betas[0] : undefined,
      adam_beta2: Array.isArray(betas) ? betas[1] : undefined,
    }),
  };
};

/** The keys of LLaMA-Factory v1. */
export const llamaFactoryV1Rules: Rules = {
  model: "model_name_or_path",
  model_class: only(["llm", null], "only language models are served"),
  cutoff_len: "max_length",
  micro_batch_size: "per_device_train_batch_size",
  global_batch_size: (value, { micro_batch_size: size = 1 }) => ({
    options: {
      gradient_accumulation_steps: Math.max(
        1,
        Math.floor(Number(value) / Number(size)),
      ),
    },
  }),
  train_dataset: "dataset",
  eval_dataset: "eval_dataset",
  dpo_beta: "beta",
  dpo_label_smoothing: "label_smoothing",
  peft_config: adapter,
  quant_config: codes,
  optim_config: optimizer,
  template: nothing("the model's own chat template is used"),
  ...ignored("one process drives the device", [
    "dist_config",
    "cp_size",
    "cp_mode",
    "init_config",
  ]),
  ...ignored("the kernels here are fused already", ["kernel_config"]),
  ...ignored("batches never hold padding", ["batching_strategy"]),
  ...ignored("attention has one kernel, without a T x T buffer", [
    "flash_attn",
  ]),
  ...ignored("see the predict task", ["max_new_tokens", "sample_backend"]),
};

/** Translates a recipe of LLaMA-Factory v1. */
export function fromLlamaFactoryV1(recipe: Recipe): Translated {
  const own = translate(recipe, llamaFactoryV1Rules);
  const isDpo = "dpo_beta" in recipe || recipe.stage === "dpo";
  const trainer = isDpo ? "dpo" : "sft";
  return {
    ...own,
    options: {
      trainer,
      length_policy: "completion_end",
      ...(isDpo ? {} : { assistant_only_loss: true }),
      ...own.options,
    },
    notes: "stage" in recipe ? own.notes : [{
      key: "trainer",
      reason:
        `taken to be ${trainer}, the file does not name it; give another by trainer`,
    }, ...own.notes],
  };
}
