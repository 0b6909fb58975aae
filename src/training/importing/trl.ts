/**
 * Translates recipes of TRL and alignment-handbook. Their names of options are the same as here;
 * only their data differs.
 */
import { isRecord } from "../../base/composite_option.ts";
import { isOff } from "../../base/read_options.ts";
import { foreignKeyOf, optionsOf } from "../../base/schema.ts";
import { trainSchema } from "../options/train_schema.ts";
import type { Recipe, Rules, Translated, Translation } from "./translation.ts";
import { only, refusedKeys, translate } from "./translation.ts";

const SFT_KEYS = [
  "max_seq_length",
  "packing",
  "dataset_text_field",
  "completion_only_loss",
  "assistant_only_loss",
];

/** Words in the names of a run that say its method, which the file itself does not. */
const HINTS = ["orpo", "kto", "simpo", "cpo", "reward", "sft", "dpo"] as const;

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
  if (has("desirable_weight", "undesirable_weight")) return sure("kto");
  if (has("cpo_alpha", "simpo_gamma")) return sure("cpo");
  const isReward = !isOff(recipe.center_rewards_coefficient ?? null) ||
    recipe.lora_task_type === "SEQ_CLS";
  if (isReward) return sure("reward");
  if (has("loss_type", "precompute_ref_log_probs", "f_divergence_type")) {
    return sure("dpo");
  }
  const names = ["output_dir", "hub_model_id", "run_name", "dataset_name"]
    .map((key) => String(recipe[key] ?? "").toLowerCase()).join(" ");
  const hint = HINTS.find((word) =>
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
  "max_tokens_per_batch",
  "columns",
  "download",
];

/** Translates a dataset of TRL's `datasets` or of the handbook's `dataset_mixture`. */
function mixtureDataset(given: unknown): unknown {
  if (!isRecord(given)) return given;
  const { path, id, name, config, data_files, data_dir, ...rest } = given;
  const folder = data_dir ?? config ?? name;
  const files = Array.isArray(data_files) ? data_files[0] : data_files;
  return {
    id: typeof files === "string" ? files : id ?? path,
    ...(typeof folder === "string" ? { config: folder } : {}),
    ...rest,
  };
}

function mixture(value: unknown): Translation {
  if (!isRecord(value)) return { note: "expected an object with datasets" };
  const datasets = Array.isArray(value.datasets)
    ? value.datasets.map(mixtureDataset)
    : value.datasets;
  return { options: { dataset_mixture: { ...value, datasets } } };
}

const METHOD = "this method of training is not served";

/** The keys of TRL and alignment-handbook that have other names or values here. */
export const trlRules: Rules = {
  ...refusedKeys(METHOD, [
    "reward_funcs",
    "num_generations",
    "reward_model_path",
    "teacher_model_name_or_path",
  ]),
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
  checkpointing_steps: (value) =>
    value === "epoch" ? { options: { save_strategy: "epoch" } } : {
      options: { save_steps: value },
    },
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
  loss_type: (value) =>
    [value].flat().includes("nll") ? {} : { options: { loss_type: value } },
};

/** What TRL's defaults differ in from those here. */
function defaults(recipe: Recipe, trainer: string): Recipe {
  const isAdapted = recipe.use_peft === true || recipe.use_lora === true;
  const rate = RATES[trainer];
  return {
    trainer,
    ...(rate === undefined ? {} : { learning_rate: rate }),
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

/** Translates a recipe of TRL or alignment-handbook. */
export function fromTrl(recipe: Recipe): Translated {
  const { options, notes, refusals = [] } = translate(recipe, trlRules);
  const { trainer, isSure } = trainerOf(recipe);
  const named = options.trainer !== undefined || isSure;
  const reason = `taken to be ${trainer}, which the script says and not the ` +
    "file; give another by trainer";
  return {
    options: { ...defaults(recipe, trainer), ...options },
    notes: named ? notes : [{ key: "trainer", reason }, ...notes],
    refusals,
  };
}
