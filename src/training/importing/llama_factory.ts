/**
 * Translates recipes of LLaMA-Factory: its keys, and its defaults where they differ from those
 * here. Its datasets are translated in llama_factory_data.ts.
 */
import { numbered, worded } from "../../base/shown.ts";
import { own } from "../../base/own.ts";
import { isOff } from "../../base/read_options.ts";
import {
  llamaFactoryIgnored,
  llamaFactoryRefused,
} from "./llama_factory_unserved.ts";
import {
  nothing,
  type Recipe,
  type Rule,
  type RuleFunction,
  type Rules,
  translate,
  type Translated,
  words,
} from "./translation.ts";

const LOSSES: Readonly<Record<string, Recipe>> = {
  sigmoid: { loss_type: ["sigmoid"] },
  hinge: { loss_type: ["hinge"] },
  ipo: { loss_type: ["ipo"] },
  orpo: { trainer: "orpo" },
  simpo: { trainer: "cpo", loss_type: ["simpo"], cpo_alpha: 0 },
};

const stageOf = ({ stage }: Recipe) => worded(stage ?? "sft");

/** The rule of a key that matters in some stages only. */
function inStages(stages: readonly string[], rule: RuleFunction): RuleFunction {
  const note = `it matters in stage ${stages.join(" or ")} only`;
  return (value, recipe) =>
    isOff(value)
      ? {}
      : stages.includes(stageOf(recipe))
      ? rule(value, recipe)
      : { note };
}

/**
 * The loss of pairs: `pref_loss`, to which `pref_bco_weight` and `pref_ftx` add others. The first
 * two share a weight of 1 in LLaMA-Factory.
 */
const preferenceLoss: RuleFunction = (_, recipe) => {
  const name = worded(recipe.pref_loss ?? "sigmoid");
  const loss = own(LOSSES, name);
  if (loss === undefined) return {}; // refused by lossName
  const [ftx, bco] = [recipe.pref_ftx, recipe.pref_bco_weight]
    .map((weight) => Math.max(0, numbered(weight ?? 0)));
  if (loss.trainer !== undefined || !(ftx || bco)) return { options: loss };
  const whole = 1 + (bco ?? 0);
  const parts = [
    [name, 1 / whole],
    ["sft", ftx],
    ["bco_pair", (bco ?? 0) / whole],
  ].filter(([, weight]) => weight !== 0);
  return {
    options: {
      loss_type: parts.map(([one]) => one),
      loss_weights: parts.map(([, weight]) => weight),
    },
  };
};

const lossName: RuleFunction = (value, recipe) =>
  Object.hasOwn(LOSSES, worded(value)) ? preferenceLoss(value, recipe) : {
    refusal: `${JSON.stringify(value)} is not served, only ${
      Object.keys(LOSSES).join(", ")
    }`,
  };

/** The rule of a further loss, which only losses with a reference take. */
const furtherLoss: RuleFunction = (value, recipe) => {
  if (!(numbered(value) > 0)) return {};
  const { pref_loss = "sigmoid" } = recipe;
  const isAlone = stageOf(recipe) === "kto" ||
    own(LOSSES, pref_loss)?.trainer !== undefined;
  return isAlone
    ? {
      refusal: `no further loss is served beside ${
        stageOf(recipe) === "kto" ? "stage kto" : `pref_loss ${pref_loss}`
      }`,
    }
    : preferenceLoss(value, recipe);
};

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

const FREEZE_ONLY = "it matters with finetuning_type freeze only";

const withFreeze: Rule = (_, recipe) =>
  recipe.finetuning_type === "freeze" ? {} : { note: FREEZE_ONLY };

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
  output_dir: (value) => {
    const inside = worded(value).replace(/^(\.\/)*saves\//, "output/");
    return inside === value
      ? { options: { output_dir: value } }
      : { options: { output_dir: inside }, note: `it becomes "${inside}"` };
  },
  pref_beta: inStages(
    ["dpo", "kto"],
    (value) => ({ options: { beta: value } }),
  ),
  pref_loss: inStages(["dpo"], lossName),
  pref_ftx: inStages(["dpo", "kto"], furtherLoss),
  pref_bco_weight: inStages(["dpo"], furtherLoss),
  use_dft_loss: inStages(
    ["sft"],
    () => ({ refusal: 'write loss_type: "dft" in its place' }),
  ),
  ref_model: "ref_model_name_or_path",
  ref_model_adapters: "ref_adapter_name_or_path",
  simpo_gamma: "simpo_gamma",
  dpo_label_smoothing: "label_smoothing",
  kto_chosen_weight: "desirable_weight",
  kto_rejected_weight: "undesirable_weight",
  train_on_prompt: inStages(["sft"], () => ({
    options: { completion_only_loss: false, assistant_only_loss: false },
  })),
  mask_history: inStages(["sft"], () => ({
    options: { assistant_only_loss: false },
  })),
  lora_rank: "lora_r",
  lora_target: (value) => ({
    options: { lora_target_modules: value === "all" ? "all-linear" : value },
  }),
  additional_target: "lora_modules_to_save",
  pissa_init: (value) =>
    value === true ? { options: { init_lora_weights: "pissa" } } : {},
  pissa_convert: (value, { pissa_init }) =>
    value === true || pissa_init !== true ? {} : {
      note: "an adapter that started so is always saved for the original base",
    },
  adapter_name_or_path: (value, { adapter_folder }) =>
    worded(value).includes(",")
      ? { refusal: "merge all adapters but the last one first" }
      : {
        options: {
          adapter_name_or_path: isOff(adapter_folder ?? null)
            ? value
            : `${worded(value)}/${worded(adapter_folder)}`,
        },
      },
  adapter_folder: (value, { adapter_name_or_path }) =>
    isOff(value) || !isOff(adapter_name_or_path ?? null)
      ? {}
      : { note: "it matters with adapter_name_or_path only" },
  quantization_bit: (value, { double_quantization: nested }) =>
    [4, 8].includes(numbered(value))
      ? {
        options: {
          [`load_in_${value}bit`]: true,
          ...(numbered(value) === 4
            ? { use_bnb_nested_quant: nested !== false }
            : {}),
        },
      }
      : { refusal: `${JSON.stringify(value)} is not served, only 4, 8` },
  quantization_type: "bnb_4bit_quant_type",
  double_quantization: () => ({}), // see quantization_bit
  freeze_trainable_layers: withFreeze,
  freeze_trainable_modules: (value, recipe) =>
    value === "all" || isOff(value)
      ? {}
      : recipe.finetuning_type !== "freeze"
      ? { note: FREEZE_ONLY }
      : {
        refusal:
          "a block is trained whole; name its modules in unfrozen_parameters, without freeze_trainable_layers",
      },
  freeze_extra_modules: withFreeze,
  train_from_scratch: "init_from_config",
  // its own trainers of pairs and judged answers leave it out
  moe_aux_loss_coef: inStages(["sft", "pt"], (value) => ({
    options: { router_aux_loss_coef: value },
  })),
  early_stopping_steps: "early_stopping_patience",
  disable_shuffling: (value) => ({ options: { shuffle: value !== true } }),
};

const DATA: Rules = {
  dataset: () => ({}), // see llama_factory_data.ts
  dataset_dir: () => ({}),
  mix_strategy: () => ({}),
  interleave_probs: () => ({}),
  val_size: (value, { eval_strategy, eval_steps }) =>
    !(numbered(value) > 0) || !isOff(eval_strategy ?? eval_steps ?? null)
      ? {}
      : {
        note: eval_strategy === undefined
          ? "its rows are kept from training, and evaluated at each epoch's end"
          : "without an evaluation no rows are kept from training",
      },
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
  enable_thinking: "enable_thinking",
  packing: (value, recipe) => {
    const isCut = value === true && recipe.neat_packing !== true;
    const note =
      "rows are put end to end and cut where a bin is full; LLaMA-Factory puts whole rows together, which see one another too";
    return {
      options: isCut
        ? { packing: true, packing_strategy: "wrapped" }
        : { packing: value === true },
      ...(isCut && stageOf(recipe) === "sft" ? { note } : {}),
    };
  },
  neat_packing: (value, recipe) => ({
    options: value === true && !("packing" in recipe) ? { packing: true } : {},
  }),
};

const MACHINE: Rules = {
  disable_gradient_checkpointing: (value) => ({
    options: { gradient_checkpointing: value !== true },
  }),
};

/**
 * LLaMA-Factory's defaults for keys that a recipe does not have, where they differ from those here.
 */
function defaults(recipe: Recipe): Recipe {
  const isLora = (recipe.finetuning_type ?? "lora") === "lora";
  const rank = numbered(recipe.lora_rank ?? 8);
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
    eval_strategy: !(numbered(recipe.val_size ?? 0) > 0)
      ? "no"
      : isOff(recipe.eval_steps ?? null)
      ? "epoch" // so that the rows are kept from training
      : "steps",
    router_aux_loss_coef: 0,
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
  ...llamaFactoryIgnored,
  ...llamaFactoryRefused,
};

/** Translates a recipe of LLaMA-Factory, except its datasets. */
export function fromLlamaFactory(recipe: Recipe): Translated {
  const { options, notes, refusals = [] } = translate(
    recipe,
    llamaFactoryRules,
  );
  return { options: { ...defaults(recipe), ...options }, notes, refusals };
}
