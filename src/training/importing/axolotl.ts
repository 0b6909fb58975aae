/**
 * Translates recipes of Axolotl: its keys, and its defaults where they differ from those here. Its
 * datasets are translated in axolotl_data.ts.
 */
import { numbered, worded } from "../../base/shown.ts";
import { own } from "../../base/own.ts";
import { axolotlData } from "./axolotl_data.ts";
import { axolotlTokens } from "./axolotl_tokens.ts";
import { axolotlIgnored, axolotlRefused } from "./axolotl_unserved.ts";
import type { ReadJson } from "./llama_factory_data.ts";
import { isRecord } from "../../base/composite_option.ts";
import { present } from "../../base/present.ts";
import { isOff } from "../../base/read_options.ts";
import {
  nothing,
  only,
  type Recipe,
  type Rule,
  type RuleFunction,
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
  if (isOff(value) || Object.hasOwn(METHODS, worded(value))) return {};
  return {
    refusal: `${JSON.stringify(value)} is not served, only ${
      Object.keys(METHODS).join(", ")
    }`,
  };
};

/** A number of times per epoch as a share of all steps; once in a run is at its epoch's end. */
function perEpoch(name: "eval" | "save", recipe: Recipe): Recipe {
  const times = numbered(recipe[`${name}s_per_epoch`] ?? 0) *
    numbered(recipe.num_epochs ?? 1);
  return times > 1
    ? { [`${name}_strategy`]: "steps", [`${name}_steps`]: 1 / times }
    : { [`${name}_strategy`]: "epoch" };
}

/** Whether the recipe names rows to evaluate on; without any Axolotl evaluates nothing. */
function hasEvaluation({ test_datasets, val_set_size }: Recipe): boolean {
  return !isOff(test_datasets ?? null) || numbered(val_set_size ?? 0) > 0;
}

/**
 * Whether the recipe says when to evaluate, without which Axolotl does not, though its help has it
 * evaluate at each epoch's end.
 */
function asksEvaluation(recipe: Recipe): boolean {
  const { eval_strategy, evaluation_strategy, eval_steps, evals_per_epoch } =
    recipe;
  const asked = [
    eval_strategy,
    evaluation_strategy,
    eval_steps,
    evals_per_epoch,
  ]
    .some((one) => !isOff(one ?? null) && one !== 0 && one !== "no");
  return hasEvaluation(recipe) && asked;
}

/** Whether rows are kept from training though nothing says when they are evaluated. */
function keepsRows(recipe: Recipe): boolean {
  const { val_set_size, eval_strategy, evaluation_strategy } = recipe;
  return numbered(val_set_size ?? 0) > 0 && !asksEvaluation(recipe) &&
    eval_strategy !== "no" && evaluation_strategy !== "no";
}

/** When a run saves and evaluates. */
function events(recipe: Recipe): Recipe {
  const given = (name: "eval" | "save") => ({
    ...(recipe[`${name}_steps`] ?? null) === null
      ? perEpoch(name, recipe)
      : { [`${name}_strategy`]: "steps" },
    ...present({
      [`${name}_strategy`]: recipe[`${name}_strategy`] ??
        (name === "eval" ? recipe.evaluation_strategy : null) ?? undefined,
    }),
  });
  return {
    ...given("save"),
    ...(asksEvaluation(recipe)
      ? { ...given("eval"), eval_on_start: true }
      : { eval_strategy: keepsRows(recipe) ? "epoch" : "no" }),
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
    ? numbered(scale) * numbered(recipe.learning_rate)
    : embedding_lr;
  const modules = ["embed_tokens", "lm_head"];
  const embeddings = lr ? [{ name: "embeddings", modules, lr }] : [];
  const groups = [...embeddings, ...Array.isArray(lr_groups) ? lr_groups : []];
  return { options: { lr_groups: groups.length === 0 ? null : groups } };
};

/** Whether the method trains on answers that it generates, which no method here does. */
function isGenerated({ rl }: Recipe): boolean {
  return !isOff(rl ?? null) && !Object.hasOwn(METHODS, worded(rl));
}

/** Keys that give beta, of which the first that a recipe has wins. */
const BETAS = ["trl", "rl_beta", "dpo_beta", "orpo_alpha"];

/** The rule of a key that gives beta. */
function betaRule(key: string): RuleFunction {
  return (value, recipe) => {
    if (isOff(value)) return {};
    if (isOff(recipe.rl ?? null)) return { note: "it matters with rl only" };
    const given = (name: string) => {
      const own = recipe[name];
      return (isRecord(own) ? own.beta : own) ?? null;
    };
    const first = BETAS.find((name) => given(name) !== null) ?? key;
    if (first === key) {
      return { options: present({ beta: given(key) ?? undefined }) };
    }
    return given(key) === null ? {} : {
      note: `${first === "trl" ? "trl.beta" : first} wins over it`,
    };
  };
}

const METHOD: Rules = {
  base_model: "model_name_or_path",
  tokenizer_config: "tokenizer_name_or_path",
  rl: method,
  reward_model: () => ({}), // see ownTrainer
  simpo_gamma: "simpo_gamma",
  rl_beta: betaRule("rl_beta"),
  dpo_beta: betaRule("dpo_beta"),
  orpo_alpha: betaRule("orpo_alpha"),
  dpo_use_weighting: "use_weighting",
  dpo_label_smoothing: "label_smoothing",
  dpo_loss_type: "loss_type",
  dpo_loss_weights: "loss_weights",
  kto_desirable_weight: "desirable_weight",
  kto_undesirable_weight: "undesirable_weight",
  rpo_alpha: (value) =>
    isOff(value) || value === 0 ? {} : {
      options: { loss_type: ["sigmoid", "sft"], loss_weights: [1, value] },
    },
  train_on_inputs: (value) =>
    value === true
      ? { options: { completion_only_loss: false, assistant_only_loss: false } }
      : {},
  adapter: (value, { load_in_4bit }) =>
    isOff(value) || value === "lora" || value === "qlora"
      ? {
        options: { use_peft: value === "lora" || value === "qlora" },
        ...(value === "lora" && load_in_4bit === true
          ? {
            note:
              "the base is in 4 bits, as qlora has it; Axolotl leaves it whole",
          }
          : {}),
      }
      : {
        refusal: `${JSON.stringify(value)} is not served, only lora, qlora`,
      },
  load_in_4bit: () => ({}), // see nestedCodes
  bnb_config_kwargs: (value) =>
    isRecord(value)
      ? { options: present({ bnb_4bit_quant_type: value.bnb_4bit_quant_type }) }
      : {},
  reinit_weights: "init_from_config",
  revision_of_model: "model_revision",
  vllm: (value, recipe) =>
    isOff(value)
      ? {}
      : isGenerated(recipe)
      ? { refusal: `it is a part of rl ${recipe.rl}` }
      : { note: "see the predict task" },
  trl: (value, recipe) => {
    if (!isRecord(value) || Object.keys(value).length === 0) return {};
    if (isOff(recipe.rl ?? null)) return { note: "it matters with rl only" };
    if (isGenerated(recipe)) {
      return { refusal: `it is a part of rl ${recipe.rl}` };
    }
    const other = Object.keys(value).filter((key) => key !== "beta");
    const note = `${other.join(", ")} matter with rl grpo only`;
    return {
      ...betaRule("trl")(value, recipe),
      ...(other.length === 0 ? {} : { note }),
    };
  },
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
  unfrozen_parameters: (value, { adapter }) =>
    isOff(value)
      ? {}
      : [value].flat().some((one) => /\[\d*:\d*\]$/.test(worded(one)))
      ? { refusal: "parameters are trained whole, not some of their rows" }
      : isOff(adapter ?? null)
      ? { options: { unfrozen_parameters: value } }
      : {
        refusal:
          "Axolotl trains them beside the adapter; name modules in lora_modules_to_save",
      },
};

/** AdamW of other libraries, which keeps its moments in fewer bits or sums more exactly. */
const OPTIMIZERS: Readonly<Record<string, string>> = {
  adamw_torch_4bit: "adamw_8bit",
  ao_adamw_4bit: "adamw_8bit",
  ao_adamw_8bit: "adamw_8bit",
  ao_adamw_fp8: "adamw_8bit",
  optimi_adamw: "adamw_torch",
};

const NO_ROWS = "no rows are named to evaluate on, as in Axolotl";

const evaluationRule: Rule = (value, recipe) =>
  isOff(value) || value === "no" || hasEvaluation(recipe)
    ? {} // see events
    : { note: NO_ROWS };

const BATCHES: Rules = {
  micro_batch_size: "per_device_train_batch_size",
  eval_batch_size: "per_device_eval_batch_size",
  num_epochs: "num_train_epochs",
  optimizer: (value) =>
    value === "muon"
      ? {
        refusal:
          "its Muon has a rate of its own beside AdamW's; write optim muon with a learning rate of AdamW",
      }
      : own(OPTIMIZERS, value) !== undefined
      ? {
        options: { optim: own(OPTIMIZERS, value) },
        note: `"${worded(value)}" is run as ${own(OPTIMIZERS, value)}`,
      }
      : { options: { optim: value } },
  lr_groups: rateGroups,
  embedding_lr: rateGroups,
  embedding_lr_scale: rateGroups,
  lr_scheduler: (_, recipe) => ({ options: schedule(recipe) }),
  cosine_min_lr_ratio: () => ({}),
  batch_size: () => ({}), // see defaults
  curriculum_sampling: (value) => ({ options: { shuffle: value !== true } }),
  gradient_checkpointing: (value) =>
    value === null
      ? {}
      : { options: { gradient_checkpointing: value !== false } },
  bf16: () => ({}), // see storage
  fp16: () => ({}),
  bfloat16: () => ({}),
  float16: () => ({}),
  evals_per_epoch: (value, recipe) =>
    isOff(value) || value === 0 || hasEvaluation(recipe)
      ? {} // see events
      : { note: NO_ROWS },
  saves_per_epoch: () => ({}), // see events
  eval_strategy: evaluationRule,
  evaluation_strategy: evaluationRule,
  save_strategy: () => ({}),
  eval_steps: (value, recipe) =>
    isOff(value)
      ? {}
      : hasEvaluation(recipe)
      ? { options: { eval_steps: value } }
      : { note: NO_ROWS },
  save_steps: "save_steps",
  early_stopping_patience: (value) =>
    isOff(value) ? {} : {
      options: { early_stopping_patience: value, load_best_model_at_end: true },
    },
};

/** The course of the rate: a cosine unless another is named, down to a share if one is. */
function schedule(
  { lr_scheduler, cosine_min_lr_ratio: ratio }: Recipe,
): Recipe {
  const type = isOff(lr_scheduler ?? null) ? "cosine" : lr_scheduler;
  return type === "cosine" && typeof ratio === "number" && ratio > 0
    ? {
      lr_scheduler_type: "cosine_with_min_lr",
      lr_scheduler_kwargs: { min_lr_rate: ratio },
    }
    : { lr_scheduler_type: type };
}

const KEPT = "its rows are kept from training, as in Axolotl, which does not " +
  "evaluate them where nothing says when; here they are at each epoch's end";
const NOT_KEPT = "without an evaluation no rows are kept from training";

const DATA: Rules = {
  datasets: () => ({}), // see axolotl_data.ts
  test_datasets: () => ({}),
  val_set_size: (value, recipe) =>
    !(numbered(value) > 0) || asksEvaluation(recipe)
      ? {} // see axolotl_data.ts
      : { note: keepsRows(recipe) ? KEPT : NOT_KEPT },
  shuffle_merged_datasets: () => ({}),
  chat_template: () => ({}), // see axolotl_template.ts
  chat_template_jinja: () => ({}),
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
  special_tokens: () => ({}), // see axolotl_tokens.ts
  tokens: () => ({}),
};

const MACHINE: Rules = {
  plugins: (value) => {
    const names = [value].flat().map(worded);
    const other = names.filter((name) => !KERNEL_PLUGINS.test(name));
    if (isOff(value)) return {};
    return other.length === 0
      ? { note: "they change speed and logs only" }
      : { refusal: `${other.join(", ")} is not served` };
  },
};

/** Code that changes speed or logs alone; all other plugins change what is trained. */
const KERNEL_PLUGINS =
  /CutCrossEntropy|Liger|Kernels|ScatterMoe|SonicMoe|ExpertParallel|SwanLab|LMEval/i;

/** How frozen weights are kept: Axolotl's default is bf16 "auto", bfloat16 unless fp16 is on. */
function storage(
  { bf16 = "auto", fp16, bfloat16, float16 }: Recipe,
): Recipe {
  const isBrain = bf16 === "auto" ? fp16 !== true : !isOff(bf16);
  if (isBrain || bfloat16 === true) return { bf16: true };
  return fp16 === true || float16 === true ? { fp16: true } : { bf16: false };
}

/** Axolotl's warm-up where none is given: 3 % of the steps, at most 100. */
function warmup({ max_steps: most }: Recipe): Recipe {
  return numbered(most ?? 0) * 0.03 > 100
    ? { warmup_steps: 100 }
    : { warmup_ratio: 0.03 };
}

/**
 * Whether a mixture of experts is trained with its router's loss: by default in TRL's trainers of
 * DPO and KTO, and else where the model's config asks for it.
 */
function hasRouterLoss(
  { rl, model_config, overrides_of_model_config }: Recipe,
) {
  const config = model_config ?? overrides_of_model_config;
  return ["dpo", "ipo", "kto"].includes(worded(rl ?? "")) ||
    isRecord(config) && config.output_router_logits === true;
}

/** Axolotl logs 200 times in a run, at most at every step and at least at every tenth. */
function logs({ max_steps: most }: Recipe): Recipe {
  const steps = numbered(most ?? 0);
  return {
    logging_steps: steps > 0
      ? Math.max(1, Math.min(10, Math.floor(0.005 * steps)))
      : 0.005,
  };
}

/** The trainer and what Axolotl's defaults differ in from those here. */
function defaults(recipe: Recipe): Recipe {
  const size = numbered(recipe.micro_batch_size ?? 1);
  const isSft = isOff(recipe.rl ?? null) && recipe.reward_model !== true;
  const { batch_size: total, warmup_steps, warmup_ratio } = recipe;
  return {
    ...(recipe.reward_model === true ? { trainer: "reward" } : {}),
    ...(isSft ? { trainer: "sft", assistant_only_loss: true } : {}),
    ...own(METHODS, recipe.rl),
    ...(isSft ? {} : { beta: 0.1 }),
    max_length: 512,
    num_train_epochs: 1,
    per_device_train_batch_size: size,
    per_device_eval_batch_size: size,
    ...(total && !recipe.gradient_accumulation_steps
      ? {
        gradient_accumulation_steps: Math.max(
          1,
          Math.floor(numbered(total) / size),
        ),
      }
      : {}),
    ...storage(recipe),
    ...schedule(recipe),
    ...(hasRouterLoss(recipe) ? {} : { router_aux_loss_coef: 0 }),
    ...((warmup_steps ?? warmup_ratio ?? null) === null ? warmup(recipe) : {}),
    ...logs(recipe),
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
export async function fromAxolotl(
  recipe: Recipe,
  readJson: ReadJson,
): Promise<Translated> {
  const given = Object.entries(recipe).filter(([, value]) => value !== null);
  const own = translate(Object.fromEntries(given), axolotlRules);
  const data = axolotlData(recipe);
  const tokens = await axolotlTokens(recipe, readJson);
  return {
    options: { ...defaults(recipe), ...data.options, ...own.options },
    notes: [...own.notes, ...data.notes, ...tokens.notes],
    refusals: [own, data, tokens].flatMap(({ refusals = [] }) => refusals),
  };
}
