/**
 * Whether the folder of a run holds what its options ask for: the weights of a run that came to its
 * end with the same options. Reads names, times and options, and no weights.
 */
import { worded } from "../../base/shown.ts";
import { join } from "@std/path";
import { optionsOf } from "../../base/schema.ts";
import { disk, NotFound } from "../../files/disk.ts";
import {
  isJsonObject,
  readJsonObjectIfThere,
} from "../../files/disk/json_file.ts";
import { fileHash } from "../../files/disk/file_hash.ts";
import { readText } from "../../files/disk/whole_file.ts";
import { ADAPTER_FILE, MODEL_FILE, RUN_FILE } from "../../files/file_names.ts";
import { listCheckpoints } from "../../files/folders/checkpoints.ts";
import { sourceFiles } from "../../preference/loading/dataset_rows.ts";
import { evaluationSources, runSources } from "../setup/run_sources.ts";
import type { TrainOptions } from "../options/options.ts";
import { trainSchema } from "../options/train_schema.ts";

/** Options that say how a run is started, and nothing of what it makes. */
const OF_THE_START = [
  "output_dir",
  "overwrite_output_dir",
  "dry_run",
  "resume_from_checkpoint",
  "resume_with_changes",
  "restarts",
  "step_timeout",
  "memory_limit",
  "cache_limit",
  "retune",
  "download",
];

/** What there is of a run in its folder. */
export type RunState =
  /** Nothing, or the run of other options, or of other data: a file of it that was changed. */
  | { readonly is: "absent"; readonly changed?: string }
  /** It was broken off, and can go on from a checkpoint. */
  | { readonly is: "broken off"; readonly checkpoint: string }
  /** It came to its end; the file with its weights, or with the list of theirs. */
  | { readonly is: "finished"; readonly weights: string };

/** Looks for the run of these options in their `output_dir`. */
export async function findRun(options: TrainOptions): Promise<RunState> {
  const { output_dir: folder } = options;
  const path = join(folder, RUN_FILE.options);
  const before = await readJsonObjectIfThere(path);
  if (before === undefined || !isSame(before, options)) return { is: "absent" };
  const weights = await wholeWeights(folder);
  // options are written as a run begins or goes on, weights at its end
  if (weights && await changedAt(weights) >= await changedAt(path)) {
    const changed = await changedData(options, await changedAt(path));
    return changed === undefined
      ? { is: "finished", weights }
      : { is: "absent", changed };
  }
  const checkpoint = (await listCheckpoints(folder)).at(-1);
  return checkpoint === undefined
    ? { is: "absent" }
    : { is: "broken off", checkpoint: checkpoint.path };
}

/**
 * A file of the data that was changed after the run began, and whose content is not among those
 * that the run's card has by their hashes; undefined if there is none.
 */
async function changedData(
  options: TrainOptions,
  began: number,
): Promise<string | undefined> {
  const [train = "train", test = "test"] = options.dataset_splits;
  const files = await sourceFiles(await runSources(options), train);
  const evaluated = options.eval_strategy === "no"
    ? []
    : await sourceFiles(await evaluationSources(options), test);
  for (const { path } of [...files, ...evaluated]) {
    if (await changedAt(path) <= began) continue;
    const card = await readText(join(options.output_dir, RUN_FILE.card))
      .catch(() => "");
    if (!card.includes(await fileHash(path))) return path;
  }
  return undefined;
}

/** Whether all options agree that decide what a run makes; absent ones count as their default. */
function isSame(
  before: Readonly<Record<string, unknown>>,
  options: TrainOptions,
): boolean {
  const now: Readonly<Record<string, unknown>> = { ...options };
  return [...optionsOf(trainSchema)].every(([name, { fallback }]) => {
    const was = Object.hasOwn(before, name) ? before[name] : fallback;
    return OF_THE_START.includes(name) ||
      JSON.stringify(was) === JSON.stringify(now[name]);
  });
}

/** The file with the weights of a folder, if all of them are there. */
async function wholeWeights(folder: string): Promise<string | undefined> {
  for (const name of [ADAPTER_FILE.weights, MODEL_FILE.weights]) {
    if (await isFile(join(folder, name))) return join(folder, name);
  }
  const path = join(folder, MODEL_FILE.weightsIndex);
  const map = (await readJsonObjectIfThere(path))?.["weight_map"];
  if (!isJsonObject(map)) return undefined;
  for (const name of new Set(Object.values(map))) {
    if (!await isFile(join(folder, worded(name)))) return undefined;
  }
  return path;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await disk().stat(path)).isFile;
  } catch (error) {
    if (error instanceof NotFound) return false;
    throw error;
  }
}

/** When a file was changed last, in milliseconds; 0 if the disk does not know. */
async function changedAt(path: string): Promise<number> {
  return (await disk().stat(path)).mtime?.getTime() ?? 0;
}
