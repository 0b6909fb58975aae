/**
 * The keys of ms-swift's recipes that say which rows are read, by what names and in what order.
 */
import { numbered, worded } from "../../base/shown.ts";
import { isRecord } from "../../base/composite_option.ts";
import { present } from "../../base/present.ts";
import { isOff } from "../../base/read_options.ts";
import {
  ignored,
  nothing,
  type Recipe,
  refused,
  type Rule,
  type Rules,
} from "./translation.ts";

function namesOf(value: unknown): string[] {
  return Array.isArray(value)
    ? value.map(worded)
    : worded(value ?? "").split(/[\s,]+/).filter((name) => name !== "");
}

/** A dataset: `hf::NAME:SUBSET#ROWS`, all but the name left out where they say nothing. */
function datasetOf(given: string) {
  const [, name = "", subset, rows] =
    /^(.*?)(?::([\w/-]+))?(?:#(\d+))?$/.exec(given) ?? [];
  return { name: name.replace(/^(hf|ms)::/i, ""), subset, rows };
}

const sampled = (recipe: Recipe) => recipe.dataset_shuffle !== false;

const datasets: Rule = (value, recipe) => {
  const given = namesOf(value).map(datasetOf);
  if (given.length === 0) return {};
  const several = given.find(({ subset }) => subset?.includes("/"));
  if (several !== undefined) {
    return {
      refusal: `name each subset of "${several.name}" as a dataset of its own`,
    };
  }
  const { interleave_prob, split_dataset_ratio: ratio, stopping_strategy } =
    recipe;
  const chances = isOff(interleave_prob ?? null)
    ? []
    : [interleave_prob].flat().map(numbered);
  if (chances.length > 0 && chances.length !== given.length) {
    return {}; // said at interleave_prob
  }
  const counted = given.find(({ rows }) => rows !== undefined);
  return {
    options: {
      dataset_mixture: {
        datasets: given.map(({ name, subset, rows }, i) => ({
          id: name,
          ...present({
            config: subset,
            split: rows === undefined ? undefined : `train[:${rows}]`,
            probability: chances[i],
          }),
        })),
        ...(numbered(ratio ?? 0) > 0
          ? { test_split_size: numbered(ratio) }
          : {}),
        ...(sampled(recipe) ? { seed: numbered(recipe.data_seed ?? 42) } : {}),
        ...(chances.length > 0 && stopping_strategy !== undefined
          ? { stopping_strategy }
          : {}),
      },
    },
    ...(counted !== undefined && sampled(recipe)
      ? {
        note:
          `the first ${counted.rows} rows of "${counted.name}" are taken; ` +
          "ms-swift draws them at random, and repeats rows where there are fewer",
      }
      : {}),
  };
};

const interleaved: Rule = (value, { dataset }) => {
  const [chances, names] = [[value].flat().length, namesOf(dataset).length];
  return isOff(value) || chances === names
    ? {} // see datasets
    : { refusal: `found ${chances} numbers for ${names} datasets` };
};

const evaluation: Rule = (value) => {
  const [first, ...others] = namesOf(value).map(datasetOf);
  if (first === undefined) return {};
  if (others.length > 0 || first.subset !== undefined) {
    return { refusal: "evaluation reads one file: put all its rows into one" };
  }
  return {
    options: {
      eval_dataset: first.name,
      ...(first.rows === undefined
        ? {}
        : { max_eval_samples: numbered(first.rows) }),
    },
  };
};

/** Columns, which ms-swift names as the file's to its own, as our columns to the file's. */
const columns: Rule = (value) => {
  const given = typeof value === "string" && value.startsWith("{")
    ? JSON.parse(value)
    : value;
  return isRecord(given)
    ? {
      options: {
        columns: Object.fromEntries(
          Object.entries(given).map(([theirs, ours]) => [worded(ours), theirs]),
        ),
      },
    }
    : {};
};

/** The names that self-cognition's rows leave open. */
const identity: Rule = (value, { dataset }) =>
  isOff(value)
    ? {}
    : namesOf(dataset).some((name) => /self-cognition/i.test(name))
    ? {
      refusal:
        "write it into the rows, in the place of {{NAME}} and {{AUTHOR}}",
    }
    : { note: "it fills in the rows of self-cognition only" };

const TOKENS = "rows are read, not tokens: name their files in dataset";

/** The keys of ms-swift's data. */
export const msSwiftData: Rules = {
  dataset: datasets,
  val_dataset: evaluation,
  split_dataset_ratio: () => ({}), // see datasets
  interleave_prob: interleaved,
  stopping_strategy: () => ({}), // see datasets
  data_seed: () => ({}),
  dataset_shuffle: () => ({}),
  train_dataloader_shuffle: (value) => ({
    options: { shuffle: value !== false },
  }),
  columns,
  model_name: identity,
  model_author: identity,
  cached_dataset: refused(TOKENS),
  cached_val_dataset: refused(TOKENS),
  custom_dataset_info: refused("name the files in dataset_mixture"),
  shuffle_buffer_size: nothing("rows are shuffled whole"),
  val_dataset_shuffle: nothing("the order of evaluation rows changes nothing"),
  strict: nothing("a row that cannot be read always stops a run"),
  disable_auto_column_mapping: nothing("columns are told by their names"),
  ...ignored("benchmarks are not run here", [
    "eval_dataset",
    "eval_dataset_args",
    "eval_generation_config",
    "eval_limit",
    "eval_use_evalscope",
    "extra_eval_args",
  ]),
  ...ignored("tokens are kept in .cache/tokens by themselves", [
    "load_from_cache_file",
    "lazy_tokenize",
    "download_mode",
  ]),
};
