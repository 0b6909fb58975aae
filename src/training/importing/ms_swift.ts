/**
 * Translates recipes of ms-swift: its keys, and its defaults where they differ from those here, as
 * 4.6.0.dev0 has them (commit 3602360). A file of its options is one argument a key, as its command
 * line has them.
 */
import { numbered, worded } from "../../base/shown.ts";
import { own } from "../../base/own.ts";
import { isOff } from "../../base/read_options.ts";
import { msSwiftData } from "./ms_swift_data.ts";
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
  isOff(value) || Object.hasOwn(METHODS, worded(value)) ? {} : {
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
  const weights = { loss_weights: [...Array(count).fill(1), numbered(value)] };
  return {
    options: loss_type === undefined
      ? { loss_type: ["sigmoid", "sft"], ...weights }
      : weights,
  };
};

const bits: Rule = (value, { bnb_4bit_use_double_quant: nested }) =>
  isOff(value) ? {} : [4, 8].includes(numbered(value))
    ? {
      options: {
        [`load_in_${value}bit`]: true,
        ...(numbered(value) === 4
          ? { use_bnb_nested_quant: nested !== false }
          : {}),
      },
    }
    : { refusal: `${JSON.stringify(value)} is not served, only 4, 8` };

const WEIGHTED = "answers are weighted alike, but by loss_weight of a turn";

/**
 * Which tokens ms-swift trains: `default` every answer, `last_round` the last, `all` the questions
 * too; further names follow with `+`, and with them alone it is `default`.
 */
const lossScale: Rule = (value, { rlhf_type }) => {
  const words = isOff(value) ? [] : worded(value).split("+");
  const bases = ["default", "last_round", "all"];
  if (
    words.some((word) => ![...bases, "ignore_empty_think"].includes(word))
  ) return { refusal: WEIGHTED };
  const isSft = isOff(rlhf_type ?? null);
  const base = words.find((word) => bases.includes(word)) ?? "default";
  if (base === "all" && !isSft) {
    return { refusal: "pairs are compared by their answers alone" };
  }
  return {
    options: {
      ...(isSft && base !== "default" ? { assistant_only_loss: false } : {}),
      ...(base === "all" ? { completion_only_loss: false } : {}),
      ...(words.includes("ignore_empty_think")
        ? { ignore_empty_think: true }
        : {}),
    },
    ...(isSft || words.length === 0 || base === "last_round"
      ? {}
      : { note: "of a conversation the last answers are compared alone" }),
  };
};

const NO_EMBEDDING = "embeddings and the head have no adapters here; name " +
  "them in modules_to_save to train them whole";

const targets: Rule = (value) => {
  const names = [value].flat();
  const beyond = /^(all-(embedding|norm|router)|.*embed_tokens|.*lm_head)$/;
  if (names.some((one) => beyond.test(worded(one)))) {
    return { refusal: NO_EMBEDDING };
  }
  const isAll = names.includes("all-linear");
  return {
    options: {
      lora_target_modules: isAll || names.length === 1
        ? isAll ? "all-linear" : names[0]
        : names,
    },
  };
};

const targetRegex: Rule = (value) =>
  isOff(value)
    ? {}
    : { options: { lora_target_modules: `(?:${worded(value)})` } };

/** Modules trained in full; `all-embedding` names both ends of the model. */
const savedModules: Rule = (value) => {
  const names = [value].flat();
  if (names.includes("all-norm")) {
    return { refusal: "name the norms one by one in the place of all-norm" };
  }
  return names.length === 0 ? {} : {
    options: {
      lora_modules_to_save: names.flatMap((name) =>
        name === "all-embedding" ? ["embed_tokens"] : [name]
      ),
    },
  };
};

const tunerOf = ({ tuner_type, train_type }: Recipe) =>
  tuner_type ?? train_type ?? "lora";

const UNFROZEN = "name what is trained in unfrozen_parameters";

/** Parts that `full` freezes: all of them, but those that are named to be trained, or none. */
const frozen: Rule = (value, recipe) => {
  if (isOff(value) || value === 0) return {};
  if (tunerOf(recipe) !== "full") return { note: "it matters with full only" };
  const hasNamed = !isOff(recipe.trainable_parameters ?? null) ||
    !isOff(recipe.trainable_parameters_regex ?? null);
  return value === 1 && hasNamed ? {} : { refusal: UNFROZEN };
};

/** Parts that `full` trains although the others are frozen. */
const trained = (pattern: (name: string) => string): Rule => (value, recipe) =>
  isOff(value)
    ? {}
    : tunerOf(recipe) !== "full"
    ? { note: "it matters with full only" }
    : recipe.freeze_parameters_ratio === 1
    ? {
      options: {
        unfrozen_parameters: [value].flat().map((one) => pattern(worded(one))),
      },
    }
    : { refusal: `it goes with freeze_parameters_ratio 1; ${UNFROZEN}` };

const escaped = (name: string) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The option for a list of adapters, of which one is read. */
function oneOf(name: string): Rule {
  return (value) => {
    const [first, ...others] = isOff(value) ? [] : [value].flat();
    return others.length > 0
      ? { refusal: "merge all adapters but the last one first" }
      : first === undefined
      ? {}
      : { options: { [name]: first } };
  };
}

const EVALUATED = ["val_dataset", "split_dataset_ratio"];

/** The keys of ms-swift. */
export const msSwiftRules: Rules = {
  model: "model_name_or_path",
  adapters: oneOf("adapter_name_or_path"),
  ref_adapters: oneOf("ref_adapter_name_or_path"),
  rlhf_type: method,
  tuner_type: tuner,
  train_type: tuner,
  ...msSwiftData,
  lora_rank: "lora_r",
  target_modules: (value, { target_regex }) =>
    isOff(target_regex ?? null)
      ? targets(value, {})
      : { note: "target_regex takes its place" },
  target_regex: targetRegex,
  modules_to_save: savedModules,
  lorap_lr_ratio: "loraplus_lr_ratio",
  freeze_parameters: frozen,
  freeze_parameters_regex: frozen,
  freeze_parameters_ratio: frozen,
  trainable_parameters: trained(escaped),
  trainable_parameters_regex: trained((expression) => `.*(?:${expression})`),
  loss_type: lossType,
  enable_dft_loss: (value) =>
    isOff(value) ? {} : { refusal: 'write loss_type: "dft" in its place' },
  rpo_alpha: sftTerm,
  quant_bits: bits,
  bnb_4bit_use_double_quant: () => ({}), // see bits
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
  template: nothing("the model's own chat template is used"),
  agent_template: nothing("the chat template prints the tools"),
  response_prefix: nothing("an answer begins as the chat template opens it"),
  model_type: nothing("config.json tells it"),
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
  early_stop_interval: "early_stopping_patience",
  max_epochs: "num_train_epochs",
  packing_length: (value, { max_length }) =>
    isOff(value) || value === max_length
      ? {}
      : { refusal: "a bin has max_length tokens" },
  packing_strategy: only(
    ["binpack", null],
    "rows are packed where they leave the least room",
  ),
  packing_num_proc: nothing("rows are packed by one thread"),
  lora_bias: only(["none", null], "biases are not trained beside adapters"),
  lora_dtype: nothing("trained weights are always float32"),
  use_chat_template: only([true, null], "give rows with texts to trainer sft"),
  enable_thinking: nothing("it matters in answers only; see the predict task"),
  add_non_thinking_prefix: nothing("the chat template writes it, or not"),
  use_hf: nothing("the download task has model_source"),
  rope_scaling: refused("the model's own positions are used"),
  ...refusedKeys("pictures and sounds are not served", [
    "freeze_vit",
    "freeze_aligner",
    "vit_lr",
    "aligner_lr",
    "max_pixels",
  ]),
  ...refusedKeys("this way of training is not served", [
    "use_galore",
    "galore_*",
    "lisa_*",
    "llamapro_*",
    "lora_ga_*",
    "reft_*",
    "teacher_model",
    "reward_funcs",
    "reward_model",
    "freeze_llm",
    "target_parameters",
    "init_strategy",
    "adalora_*",
    "boft_*",
    "vera_*",
    "fourier_*",
    "sft_alpha",
    "seq_kd",
    "gkd_*",
  ]),
  ...refusedKeys("code that a recipe brings is never run", [
    "external_plugins",
    "custom_register_path",
    "callbacks",
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
  const size = numbered(recipe.per_device_train_batch_size ?? 1);
  const evaluates = EVALUATED.some((key) =>
    !isOff(recipe[key] ?? null) && recipe[key] !== 0
  );
  return {
    ...(isSft ? { trainer: "sft", assistant_only_loss: true } : {}),
    ...own(METHODS, recipe.rlhf_type),
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
    logging_first_step: true,
    router_aux_loss_coef: 0,
    ...(evaluates
      ? {
        eval_strategy: recipe.save_strategy ?? "steps",
        ...((recipe.eval_strategy ?? recipe.save_strategy ?? "steps") ===
            "steps"
          ? { eval_steps: recipe.save_steps ?? 500 }
          : {}),
      }
      : {}),
  };
}

const ORPO =
  "the likelihood of ORPO is that of prompt and last answer, as in TRL; ms-swift's is that of the answers alone, and of a conversation it trains every one";

/** Translates a recipe of ms-swift. */
export function fromMsSwift(recipe: Recipe): Translated {
  const { options, notes, refusals = [] } = translate(recipe, msSwiftRules);
  const { eval_steps: _, eval_strategy: __, ...rest } = options;
  const base = defaults(recipe);
  const evaluates = "eval_strategy" in base;
  const isOrpo = recipe.rlhf_type === "orpo";
  return {
    options: { ...base, ...(evaluates ? options : rest) },
    notes: isOrpo ? [{ key: "rlhf_type", reason: ORPO }, ...notes] : notes,
    refusals,
  };
}
