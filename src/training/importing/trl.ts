/**
 * Translates recipes of TRL and alignment-handbook. Their names of options are the same as here;
 * only their data differs.
 */
import { isRecord } from "../../base/composite_option.ts";
import type { Recipe, Rules, Translated, Translation } from "./translation.ts";
import { translate } from "./translation.ts";

const SFT_KEYS = [
  "max_seq_length",
  "packing",
  "dataset_text_field",
  "completion_only_loss",
  "assistant_only_loss",
];

/**
 * Finds the trainer by the keys of a recipe. TRL has a script for each trainer, and its recipes do
 * not name it.
 */
function trainerOf(recipe: Recipe): string {
  const has = (...keys: string[]) => keys.some((key) => key in recipe);
  if (has("desirable_weight", "undesirable_weight")) return "kto";
  if (has("cpo_alpha", "simpo_gamma")) return "cpo";
  if (has("center_rewards_coefficient")) return "reward";
  return !has("beta", "loss_type") && has(...SFT_KEYS) ? "sft" : "dpo";
}

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

const rules: Rules = {
  dataset_mixture: mixture,
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
};

/** Translates a recipe of TRL or alignment-handbook. */
export function fromTrl(recipe: Recipe): Translated {
  const { options, notes } = translate(recipe, rules);
  const trainer = trainerOf(recipe);
  return { options: { trainer, ...options }, notes };
}
