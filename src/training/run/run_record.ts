/**
 * What a finished run was, for those who meet its weights later: base, data with hashes, options
 * that were chosen, last metrics. Text is made of it elsewhere.
 */
import { join } from "@std/path";
import { optionsOf } from "../../base/schema.ts";
import { fileHash } from "../../files/disk/file_hash.ts";
import { isRepoName, isThere } from "../../files/hub/repo_folder.ts";
import type { LoadReport } from "../../preference/loading/load_report.ts";
import type { Head } from "../method/method.ts";
import { methodOf } from "../method/methods.ts";
import type { WreckedRun } from "../loop/wreck.ts";
import type { Metrics } from "../method/metrics.ts";
import type { TrainOptions } from "../options/options.ts";
import { trainSchema } from "../options/train_schema.ts";
import { ADAPTER_FILE, MODEL_FILE } from "../../files/file_names.ts";
import { NotFound } from "../../files/disk.ts";

/** A file and what names its content. */
export interface HashedFile {
  /** Where it lay, as the run was given it. */
  readonly path: string;
  /** In hexadecimal; undefined if the file was gone when the card was written. */
  readonly sha256: string | undefined;
}

/** A file of rows. */
export interface DataFile extends HashedFile {
  /** What it served. */
  readonly role: "training" | "evaluation";
  /** Rows in it. */
  readonly rows: number;
  /** Rows that the run drew of it. */
  readonly taken: number;
}

/** What a finished run was. */
export interface RunRecord {
  /** Folder of the run. */
  readonly output: string;
  /** Folder or name of the model that training started from. */
  readonly base: string;
  /** Its name on a hub; undefined if it is not known. */
  readonly baseRepo: string | undefined;
  /** `dpo`, `sft`, ... */
  readonly trainer: string;
  /** What the model answers with: the next token, or one number per text (a reward model). */
  readonly head: Head;
  /** Whether an adapter was trained, or all weights. */
  readonly adapter: boolean;
  /** Optimizer steps done. */
  readonly steps: number;
  /** Options that are not at their defaults. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The data read. */
  readonly data: readonly DataFile[];
  /** The last row of training and the last of evaluation, names to numbers. */
  readonly metrics: readonly Readonly<Record<string, number>>[];
  /** Where its rows say that it went wrong. */
  readonly wreck?: WreckedRun | undefined;
  /** The weights that the run left. */
  readonly weights: readonly HashedFile[];
}

/** What a record is made from. */
export interface FinishedRun {
  readonly options: TrainOptions;
  /** Accounts of the rows. */
  readonly training: LoadReport;
  readonly evaluation: LoadReport | undefined;
  /** All rows of metrics.jsonl. */
  readonly rows: readonly Metrics[];
  readonly steps: number;
  /** Where the rows say that it went wrong. */
  readonly wreck: WreckedRun | undefined;
  /** Where hashes are remembered. */
  readonly cacheFolder: string | undefined;
}

/** Describes a finished run; its files are hashed, or the cache knows their hashes. */
export async function describeRun(run: FinishedRun): Promise<RunRecord> {
  const { options, rows, steps, cacheFolder } = run;
  const { output_dir, model_name_or_path, use_peft, trainer } = options;
  const adapter = use_peft || options.adapter_name_or_path !== null;
  const name = adapter ? ADAPTER_FILE.weights : MODEL_FILE.weights;
  return {
    output: output_dir,
    base: model_name_or_path,
    baseRepo: await repoOf(model_name_or_path),
    trainer,
    head: methodOf(options).head,
    adapter,
    steps,
    options: chosenOptions(options),
    data: [
      ...await dataFiles("training", run.training, cacheFolder),
      ...run.evaluation
        ? await dataFiles("evaluation", run.evaluation, cacheFolder)
        : [],
    ],
    metrics: [
      rows.findLast((row) => "loss" in row),
      rows.findLast((row) => "eval_loss" in row),
    ].filter((row) => row !== undefined),
    wreck: run.wreck,
    weights: [{
      path: name,
      sha256: await hashOf(join(output_dir, name), cacheFolder),
    }],
  };
}

/** A model's name on a hub: as given, or as its folder in model_hub/ has it. */
async function repoOf(nameOrPath: string): Promise<string | undefined> {
  const [, owner, name] =
    /(?:^|[/\\])model_hub[/\\]([^/\\]+?)--([^/\\]+)[/\\]?$/
      .exec(nameOrPath) ?? [];
  if (owner !== undefined) return `${owner}/${name}`;
  const isLocal = !isRepoName(nameOrPath) || await isThere(nameOrPath);
  return isLocal ? undefined : nameOrPath;
}

function chosenOptions(options: TrainOptions): Record<string, unknown> {
  const given: Readonly<Record<string, unknown>> = { ...options };
  const chosen = [...optionsOf(trainSchema)].filter(([name, { fallback }]) =>
    JSON.stringify(given[name]) !== JSON.stringify(fallback)
  );
  return Object.fromEntries(chosen.map(([name]) => [name, given[name]]));
}

async function dataFiles(
  role: "training" | "evaluation",
  { sources }: LoadReport,
  cacheFolder: string | undefined,
) {
  return await Promise.all(sources.map(async ({ path, rows, taken }) => ({
    role,
    path,
    rows,
    taken,
    sha256: await hashOf(path, cacheFolder),
  })));
}

async function hashOf(
  path: string,
  cacheFolder: string | undefined,
): Promise<string | undefined> {
  try {
    return await fileHash(path, cacheFolder);
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw error;
  }
}
