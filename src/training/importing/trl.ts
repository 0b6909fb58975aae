/**
 * Translates recipes of TRL and alignment-handbook. Their names of options are the same as here;
 * only their data differs.
 */
import { worded } from "../../base/shown.ts";
import { own } from "../../base/own.ts";
import { isRecord } from "../../base/composite_option.ts";
import { isOff } from "../../base/read_options.ts";
import { foreignKeyOf, optionsOf } from "../../base/schema.ts";
import { trainSchema } from "../options/train_schema.ts";
import {
  type Note,
  nothing,
  only,
  type Recipe,
  type Rule,
  type Rules,
  translate,
  type Translated,
  type Translation,
} from "./translation.ts";
import { otherTrainers } from "./trl_unserved.ts";

const SFT_KEYS = [
  "max_seq_length",
  "packing",
  "dataset_text_field",
  "completion_only_loss",
  "assistant_only_loss",
];

/** Words in the names of a run that say its method, which the file itself does not. */
const HINTS = ["orpo", "kto", "simpo", "cpo", "reward", "sft", "dpo"] as const;

/** The same of trainers that are not served. */
const OTHERS: readonly string[] = [
  "online[-_ ]?dpo",
  "nash[-_ ]?md",
  "xpo",
  "bco",
  "grpo",
  "ppo",
  "rloo",
  "gkd",
  "prm",
];

/** What TRL's trainers learn at where a recipe does not say it. */
const RATES: Readonly<Record<string, number>> = { sft: 2e-5, reward: 1e-4 };

interface Choice {
  readonly trainer: string;
  /** Whether the recipe leaves no doubt. */
  readonly isSure: boolean;
}

/**
 * Finds the trainer by the keys of a recipe. TRL has a script for each trainer, and its recipes do
 * not name it.
 */
function trainerOf(recipe: Recipe): Choice {
  const has = (...keys: string[]) => keys.some((key) => key in recipe);
  const sure = (trainer: string) => ({ trainer, isSure: true });
  const given = recipe.trainer ?? recipe.trainer_type ?? recipe.rl_type;
  if (typeof given === "string") return sure(given);
  if (has("desirable_weight", "undesirable_weight")) return sure("kto");
  if (has("cpo_alpha", "simpo_gamma")) return sure("cpo");
  const isReward = !isOff(recipe.center_rewards_coefficient ?? null) ||
    recipe.lora_task_type === "SEQ_CLS";
  if (isReward) return sure("reward");
  if (has("loss_type", "precompute_ref_log_probs", "f_divergence_type")) {
    return sure("dpo");
  }
  const names = ["output_dir", "hub_model_id", "run_name", "dataset_name"]
    .map((key) => worded(recipe[key] ?? "").toLowerCase()).join(" ");
  const hint = [...OTHERS, ...HINTS].find((word) =>
    new RegExp(`(?<![a-z])${word}(?![a-z])`).test(names)
  );
  if (hint !== undefined) {
    return { trainer: hint === "simpo" ? "cpo" : hint, isSure: false };
  }
  const isSft = !has("beta") && has(...SFT_KEYS);
  return { trainer: isSft ? "sft" : "dpo", isSure: false };
}

/** Whether a recipe has keys that TRL's scripts read and that are no options of ours. */
export function isTrl(recipe: Recipe): boolean {
  if (OURS.some((key) => key in recipe)) return false;
  const own = optionsOf(trainSchema);
  return Object.keys(recipe).some((key) =>
    Object.hasOwn(trlRules, key) && !own.has(key) || key === "dataset_name" ||
    foreignKeyOf(trainSchema, key) !== undefined
  );
}

/** Options that no recipe of TRL has. */
const OURS = [
  "trainer",
  "dataset",
  "length_policy",
  "dry_run",
  "memory_limit",
  "cache_limit",
  "max_tokens_per_batch",
  "columns",
  "download",
];

/** Translates a dataset of TRL's `datasets` or of the handbook's `dataset_mixture`: one a file. */
function mixtureDatasets(given: unknown): unknown[] {
  if (!isRecord(given)) return [given];
  const { path, id, name, config, data_files, data_dir, ...rest } = given;
  const folder = data_dir ?? config ?? name;
  const files = isOff(data_files ?? null) ? [id ?? path] : [data_files].flat();
  return files.map((file) => ({
    id: file,
    ...(typeof folder === "string" ? { config: folder } : {}),
    ...Object.fromEntries(
      Object.entries(rest).filter(([, value]) => value !== null),
    ),
  }));
}

function mixture(value: unknown): Translation {
  if (isOff(value)) return {};
  if (!isRecord(value)) {
    return { refusal: "expected an object with datasets" };
  }
  const { datasets: list } = value;
  const isShared = Array.isArray(list) &&
    list.some((one) => isRecord(one) && (one.fraction ?? null) !== null);
  if (isShared) {
    return {
      refusal: "a fraction is a share of the mixture: write weight, the " +
        "share of a dataset's own rows",
    };
  }
  const datasets = Array.isArray(list) ? list.flatMap(mixtureDatasets) : list;
  return { options: { dataset_mixture: { ...value, datasets } } };
}

/** The evaluation that `eval_strategy` asks for, which `do_eval` must not contradict. */
const evaluation: Rule = (value, { eval_strategy, evaluation_strategy }) => {
  const strategy = eval_strategy ?? evaluation_strategy ?? "no";
  return (value === true) === (strategy !== "no")
    ? {}
    : { note: "eval_strategy decides" };
};

const TEMPLATE = "a text begins and ends as the chat template says";

/** The keys of TRL and alignment-handbook that have other names or values here. */
export const trlRules: Rules = {
  ...otherTrainers,
  trainer_type: "trainer",
  rl_type: "trainer",
  dataset_mixture: mixture,
  dataset_config: (value, { dataset_name }) =>
    isOff(value) || typeof dataset_name !== "string" ? {} : {
      options: {
        dataset: null,
        dataset_mixture: { datasets: [{ id: dataset_name, config: value }] },
      },
    },
  dataset_name: (value, { dataset_config, dataset_mixture, datasets }) => {
    const isMixed = !isOff(dataset_config ?? null) ||
      !isOff(dataset_mixture ?? null) || !isOff(datasets ?? null);
    return isMixed ? {} : { options: { dataset: value } };
  },
  lora_task_type: only(["CAUSAL_LM", "SEQ_CLS", null], "not served here"),
  packing_strategy: (value) => ({
    options: { packing_strategy: value === "ffd" ? "bfd" : value },
  }),
  packing: (value) => ({ options: { packing: value } }),
  use_lora: "use_peft",
  num_epochs: "num_train_epochs",
  dpo_beta: "beta",
  datasets: (value, recipe) =>
    mixture({
      datasets: value,
      ...("test_split_size" in recipe
        ? { test_split_size: recipe.test_split_size }
        : {}),
    }),
  test_split_size: (_, recipe) =>
    "datasets" in recipe ? {} : { note: "it goes with datasets" },
  dataset_train_split: (value, recipe) => ({
    options: { dataset_splits: [value, recipe.dataset_test_split ?? "test"] },
  }),
  dataset_test_split: (value, recipe) => ({
    options: { dataset_splits: [recipe.dataset_train_split ?? "train", value] },
  }),
  max_seq_length: "max_length",
  // the same numbers, made in parts
  loss_type: (value) =>
    value === "chunked_nll"
      ? { options: { loss_type: "nll" } }
      : { options: { loss_type: value } },
  train_sampling_strategy: (value) =>
    value === "sequential" || value === "random"
      ? { options: { shuffle: value === "random" } }
      : { options: { train_sampling_strategy: value } },
  ds3_gather_for_generation: nothing("one process drives the device"),
  shuffle_dataset: nothing("shuffle draws a new order each epoch"),
  "dataset_kwargs.add_special_tokens": only([false, null], TEMPLATE),
  "dataset_kwargs.append_concat_token": only([false, null], TEMPLATE),
  "dataset_kwargs.skip_prepare_dataset": only(
    [false, null],
    "rows are read, not tokens",
  ),
  do_eval: evaluation,
  do_train: (value) => value === false ? { note: "the train task trains" } : {},
};

/** What the defaults of TRL 1.13 differ in from those here. */
function defaults(recipe: Recipe, trainer: string): Recipe {
  const isAdapted = recipe.use_peft === true || recipe.use_lora === true;
  const rate = own(RATES, trainer);
  return {
    trainer,
    ...(rate === undefined ? {} : { learning_rate: rate }),
    ...(trainer === "kto" ? { shuffle: false } : {}), // it samples in order
    // unlike the other trainers these two add it only if config.json asks for it
    ...(trainer === "orpo" || trainer === "cpo"
      ? { router_aux_loss_coef: 0 }
      : {}),
    length_policy: "keep_start",
    ...(isAdapted
      ? {
        lora_r: 16,
        lora_dropout: 0.05,
        lora_target_modules: ["q_proj", "v_proj"],
      }
      : {}),
  };
}

/** The families for which PEFT 0.21 adapts q_proj and v_proj where no layers are named. */
const PEFT_FAMILIES =
  "llama, mistral, mixtral, gemma, gemma2, gemma3_text, qwen2 and qwen3";

/** What is said of the recipe as a whole, before its keys. */
function said(recipe: Recipe, { trainer, isSure }: Choice): Translated {
  const isOther = OTHERS.includes(trainer);
  const notes: Note[] = [];
  if (!isSure && !isOther) {
    notes.push({
      key: "trainer",
      reason: `taken to be ${trainer}, which the script says and not the ` +
        "file; give another by trainer",
    });
  }
  const isAdapted = recipe.use_peft === true || recipe.use_lora === true;
  if (isAdapted && isOff(recipe.lora_target_modules ?? null)) {
    notes.push({
      key: "lora_target_modules",
      reason: `q_proj and v_proj, as PEFT takes for ${PEFT_FAMILIES}; ` +
        "for any other family PEFT stops: name the layers",
    });
  }
  const refusals = isOther
    ? [{
      key: "trainer",
      reason: `a name in the recipe says ${
        trainer.replace("[-_ ]?", "-")
      }, which is not served; if it is none, give one by trainer`,
    }]
    : [];
  return { options: {}, notes, refusals };
}

/** Translates a recipe of TRL or alignment-handbook. */
export function fromTrl(recipe: Recipe): Translated {
  const { options, notes, refusals = [] } = translate(recipe, trlRules);
  const choice = trainerOf(recipe);
  const whole = said(recipe, choice);
  return {
    options: { ...defaults(recipe, choice.trainer), ...options },
    notes: [...whole.notes, ...notes],
    refusals: [...whole.refusals ?? [], ...refusals],
  };
}
