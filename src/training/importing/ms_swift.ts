/**
 * Translates recipes of ms-swift: its keys, and its defaults where they differ from those here. A
 * file of its options is one argument a key, as its command line has them.
 */
import { present } from "../../base/present.ts";
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
  type Translation,
  words,
} from "./translation.ts";

const METHODS: Readonly<Record<string, Recipe>> = {
  dpo: { trainer: "dpo" },
  kto: { trainer: "kto" },
  orpo: { trainer: "orpo" },
  cpo: { trainer: "cpo" },
  simpo: {
    trainer: "cpo",
    loss_type: ["simpo"],
    cpo_alpha: 1,
    beta: 2,
    simpo_gamma: 1,
  },
  rm: { trainer: "reward" },
};

const method: Rule = (value) =>
  isOff(value) || Object.hasOwn(METHODS, String(value)) ? {} : {
    refusal: `${JSON.stringify(value)} is not served, only ${
      Object.keys(METHODS).join(", ")
    }`,
  };

const tuner: Rule = words("use_peft", { lora: true, full: false });

/** `loss_type` of its pairs; those of embeddings and rerankers have methods that are not served. */
const lossType: Rule = (value, { rpo_alpha: weight }) => {
  if (isOff(value)) return {};
  const losses = [value].flat();
  return {
    options: { loss_type: isOff(weight ?? null) ? losses : [...losses, "sft"] },
  };
};

const sftTerm: Rule = (value, { loss_type }) => {
  if (isOff(value) || value === 0) return {};
  const count = [loss_type ?? "sigmoid"].flat().length;
  const weights = { loss_weights: [...Array(count).fill(1), Number(value)] };
  return {
    options: loss_type === undefined
      ? { loss_type: ["sigmoid", "sft"], ...weights }
      : weights,
  };
};

const bits: Rule = (value) =>
  isOff(value)
    ? {}
    : [4, 8].includes(Number(value))
    ? { options: { [`load_in_${value}bit`]: true } }
    : { refusal: `${JSON.stringify(value)} is not served, only 4, 8` };

/** Which tokens ms-swift trains; a name with `+` joins two. */
function lossScale(value: unknown): Translation {
  const words = value === null ? [] : String(value).split("+");
  const served = ["default", "last_round", "ignore_empty_think"];
  if (words.some((word) => !served.includes(word))) {
    return {
      refusal: "answers are weighted alike, but by loss_weight of a turn",
    };
  }
  return words.includes("ignore_empty_think")
    ? { options: { ignore_empty_think: true } }
    : {};
}

/** A dataset, which may end in `#N`: so many of its rows. */
function datasetOf(given: unknown): Recipe {
  const [, name = "", subset, rows] =
    /^(.*?)(?::([\w-]+))?(?:#(\d+))?$/.exec(String(given)) ?? [];
  return {
    id: name.replace(/^(hf|ms)::/i, ""),
    ...present({
      config: subset,
      split: rows === undefined ? undefined : `train[:${rows}]`,
    }),
  };
}

const datasets: Rule = (value, { split_dataset_ratio: ratio }) => {
  const names = Array.isArray(value)
    ? value
    : String(value ?? "").split(/[\s,]+/).filter((name) => name !== "");
  if (names.length === 0) return {};
  return {
    options: {
      dataset_mixture: {
        datasets: names.map(datasetOf),
        ...(Number(ratio ?? 0) > 0 ? { test_split_size: Number(ratio) } : {}),
        seed: 42,
      },
    },
  };
};

const EVALUATED = ["val_dataset", "split_dataset_ratio"];

/** The keys of ms-swift. */
export const msSwiftRules: Rules = {
  model: "model_name_or_path",
  adapters: (value) => ({
    options: { adapter_name_or_path: [value].flat()[0] },
  }),
  rlhf_type: method,
  tuner_type: tuner,
  train_type: tuner,
  dataset: datasets,
  val_dataset: (value) =>
    isOff(value)
      ? {}
      : { options: { eval_dataset: datasetOf([value].flat()[0]).id } },
  split_dataset_ratio: () => ({}), // see datasets
  lora_rank: "lora_r",
  target_modules: (value) => ({
    options: {
      lora_target_modules: [value].flat().length === 1
        ? [value].flat()[0]
        : value,
    },
  }),
  loss_type: lossType,
  rpo_alpha: sftTerm,
  quant_bits: bits,
  quant_method: only([null, "bnb"], "only bnb's codes are served"),
  init_weights: words("init_lora_weights", {
    true: "default",
    gaussian: "gaussian",
    pissa: "pissa",
  }),
  truncation_strategy: words("length_policy", {
    delete: "drop",
    right: "keep_start",
    left: "prompt_start",
  }),
  loss_scale: lossScale,
  optimizer: refused("name one of optim's in optim"),
  system: (value) =>
    typeof value === "string" && /\.txt$/i.test(value)
      ? { refusal: "it names a file, expected the text itself" }
      : { options: { system: value } },
  torch_dtype: (value) => ({ options: { torch_dtype: value ?? "auto" } }),
  packing: (value, { rlhf_type }) =>
    value === true && !isOff(rlhf_type ?? null)
      ? { note: "pairs are packed by max_tokens_per_batch" }
      : { options: { packing: value } },
  save_only_model: nothing("a checkpoint holds all that resuming needs"),
  neftune_noise_alpha: refused("not served here"),
  template: nothing("the model's own chat template is used"),
  agent_template: nothing("the chat template prints the tools"),
  response_prefix: nothing("an answer begins as the chat template opens it"),
  ...ignored("the card names the model by its path", [
    "model_author",
    "model_name",
    "model_type",
  ]),
  ...ignored("tokens are kept in .cache/tokens by themselves", [
    "load_from_cache_file",
    "cached_dataset",
    "cached_val_dataset",
    "lazy_tokenize",
  ]),
  ...ignored("attention has one kernel, without a T x T buffer", ["attn_impl"]),
  ...ignored("one process drives the device", [
    "sequence_parallel_size",
    "device_groups",
    "use_ray",
    "teacher_deepspeed",
    "ray_*",
  ]),
  ...ignored("the kernels here are fused already", [
    "experts_impl",
    "tuner_backend",
  ]),
  ...ignored("see the predict task", [
    "max_model_len",
    "num_generations",
    "predict_with_generate",
    "use_vllm",
    "vllm_*",
    "max_new_tokens",
    "temperature",
  ]),
  ...ignored("rows are read in order, or shuffled whole", [
    "shuffle_buffer_size",
    "dataset_shuffle",
    "train_dataloader_shuffle",
  ]),
  early_stop_interval: "early_stopping_patience",
  max_epochs: "num_train_epochs",
  use_hf: nothing("the download task has model_source"),
  rope_scaling: refused("the model's own positions are used"),
  ...refusedKeys("pictures and sounds are not served", [
    "freeze_vit",
    "freeze_aligner",
    "max_pixels",
  ]),
  ...refusedKeys("this way of training is not served", [
    "use_galore",
    "galore_*",
    "lisa_*",
    "llamapro_*",
    "lora_ga_*",
    "reft_*",
    "enable_dft_loss",
    "teacher_model",
    "reward_funcs",
  ]),
  ...refusedKeys("no tokens are added to the embedding", [
    "new_special_tokens",
  ]),
  task_type: only([null, "causal_lm"], "only language models are served"),
};

function defaults(recipe: Recipe): Recipe {
  const tuned = recipe.tuner_type ?? recipe.train_type ?? "lora";
  const isSft = isOff(recipe.rlhf_type ?? null);
  const isLora = tuned === "lora";
  const size = Number(recipe.per_device_train_batch_size ?? 1);
  const evaluates = EVALUATED.some((key) =>
    !isOff(recipe[key] ?? null) && recipe[key] !== 0
  );
  return {
    ...(isSft ? { trainer: "sft", assistant_only_loss: true } : {}),
    ...METHODS[String(recipe.rlhf_type)],
    ...(isLora
      ? { use_peft: true, lora_r: 8, lora_alpha: 32, lora_dropout: 0.05 }
      : { use_peft: false }),
    max_length: null,
    learning_rate: isLora ? 1e-4 : 1e-5,
    lr_scheduler_type: "cosine",
    weight_decay: 0.1,
    adam_beta2: 0.95,
    per_device_train_batch_size: 1,
    per_device_eval_batch_size: 1,
    gradient_accumulation_steps: Math.max(1, Math.ceil(16 / size)),
    logging_steps: 5,
    ...(evaluates
      ? { eval_strategy: "steps", eval_steps: recipe.save_steps ?? 500 }
      : {}),
  };
}

/** Translates a recipe of ms-swift. */
export function fromMsSwift(recipe: Recipe): Translated {
  const { options, notes, refusals = [] } = translate(recipe, msSwiftRules);
  const { eval_steps: _, eval_strategy: __, ...rest } = options;
  const base = defaults(recipe);
  const evaluates = "eval_strategy" in base;
  return {
    options: { ...base, ...(evaluates ? options : rest) },
    notes,
    refusals,
  };
}
