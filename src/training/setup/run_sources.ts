/**
 * From a run's options to its sources of rows, and how they are drawn and read.
 */
import { join } from "@std/path";
import { isThere, localDatasetPath } from "../../files/hub/repo_folder.ts";
import type { TurnKeys } from "../../preference/formats/format.ts";
import type { LengthLimits } from "../../preference/tokens/length.ts";
import type { LoadDataOptions } from "../../preference/loading/load_options.ts";
import type { DrawOptions } from "../../preference/loading/sources.ts";
import type { DataSource } from "../../preference/loading/data_source.ts";
import { describedDataset } from "./described_dataset.ts";
import type { TrainOptions } from "../options/options.ts";
import { CACHE_FOLDER } from "../../files/file_names.ts";

type Mixture = NonNullable<TrainOptions["dataset_mixture"]>;
type MixtureDataset = Mixture["datasets"][number];

/**
 * How many rows of files without a test part are evaluated on if neither `max_eval_samples` nor
 * `test_split_size` is given.
 */
const DEFAULT_EVAL_SAMPLES = 100;

/** The sources of a run, in order. @throws as `localDatasetPath` does */
export async function runSources(
  { dataset, dataset_mixer, dataset_mixture }: TrainOptions,
): Promise<DataSource[]> {
  if (dataset !== null) return [await namedSource(dataset)];
  if (dataset_mixture !== null) {
    return await Promise.all(dataset_mixture.datasets.map(mixtureSource));
  }
  return await Promise.all(
    Object.entries(dataset_mixer ?? {}).map(async ([path, fraction]) => ({
      ...await namedSource(path),
      fraction,
    })),
  );
}

/** Whether a run names rows to evaluate on beside those of its training data. */
export function hasOwnEvaluation(
  { eval_dataset, dataset_mixture }: TrainOptions,
): boolean {
  return eval_dataset !== null ||
    (dataset_mixture?.eval_datasets ?? null) !== null;
}

/** The sources of the evaluation: the run's own if there are others, else those of the training. */
export async function evaluationSources(
  options: TrainOptions,
): Promise<DataSource[]> {
  const { eval_dataset, dataset_mixture } = options;
  if (eval_dataset !== null) return [await namedSource(eval_dataset)];
  const given = dataset_mixture?.eval_datasets ?? null;
  return given === null
    ? await runSources(options)
    : await Promise.all(given.map(mixtureSource));
}

/** The source of a path, or of a name that a dataset_info.json describes. */
export async function namedSource(id: string): Promise<DataSource> {
  const described = await describedDataset(id);
  return described === undefined
    ? { path: await localDatasetPath(id) }
    : await mixtureSource(described);
}

async function mixtureSource(given: MixtureDataset): Promise<DataSource> {
  const described = await describedDataset(given.id);
  if (described !== undefined) {
    const { weight, probability } = given;
    return await mixtureSource({ ...described, weight, probability });
  }
  const { split, columns, weight, probability, format, ranking, turns } = given;
  const path = await localDatasetPath(given.id);
  const inside = given.config === null ? path : join(path, given.config);
  return {
    path: await isThere(inside) ? inside : path,
    ranking,
    split: split ?? undefined,
    columns: Array.isArray(columns) ? undefined : columns as Columns,
    fraction: probability === null ? weight : undefined,
    probability: probability ?? undefined,
    format: format ?? undefined,
    turns: turns === null ? undefined : turnKeys(turns),
  };
}

type Columns = Readonly<Record<string, string>>;

function turnKeys(
  { role, content, roles }: NonNullable<MixtureDataset["turns"]>,
): TurnKeys {
  return {
    roles,
    role: role ?? undefined,
    content: content ?? undefined,
  };
}

/** How rows are read, drawn and cut in either split. */
export function loadSettings(
  options: TrainOptions,
): Omit<LoadDataOptions, "encoder" | "split"> {
  const { dataset_mixture, dataset_format, min_score_margin } = options;
  const seed = dataset_mixture?.seed ?? options.sample_seed;
  return {
    limits: limitsOf(options),
    columns: options.columns,
    ranking: options.ranking,
    ignoreUnserved: options.ignore_unserved,
    allowEmptyPrompt: options.allow_empty_prompt,
    onBadRow: options.on_bad_row,
    maxBadRows: options.max_bad_rows,
    dedupe: options.dataset_exact_deduplication,
    format: dataset_format ?? undefined,
    minScoreMargin: min_score_margin ?? undefined,
    shuffle: seed !== null,
    seed: seed ?? options.seed,
    stopping: dataset_mixture?.stopping_strategy,
    cacheFolder: CACHE_FOLDER.tokens,
  };
}

/**
 * How many rows are kept from training for evaluation, because a file alone has no test part, and
 * what holds where that is too much of a small file. Nothing if none are needed.
 */
export function heldOutOf(
  options: TrainOptions,
): Pick<DrawOptions, "heldOut" | "heldOutLimit"> {
  const { eval_strategy, max_eval_samples, dataset_mixture } = options;
  if (eval_strategy === "no" || hasOwnEvaluation(options)) return {};
  const size = dataset_mixture?.test_split_size ?? null;
  if (size !== null) return { heldOut: size };
  return max_eval_samples === null
    ? {
      heldOut: DEFAULT_EVAL_SAMPLES,
      heldOutLimit: { above: 0.1, share: 0.1 },
    }
    : { heldOut: max_eval_samples, heldOutLimit: { above: 0.5, share: 0.1 } };
}

function limitsOf(options: TrainOptions): LengthLimits {
  const { max_length, max_prompt_length, length_policy } = options;
  return {
    policy: length_policy,
    maxLength: max_length ?? undefined,
    maxPromptLength: max_prompt_length ?? undefined,
  };
}
