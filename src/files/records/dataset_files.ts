/**
 * Finds the files of a split of a dataset. The dataset is a file, a pattern of files, or a folder
 * in the layouts of hubs (`train.jsonl`, `data/train-00000-of-00004.parquet`, `train/part.csv`).
 */
import { dirname, globToRegExp, isGlob, join } from "@std/path";
import { DATA_ENDINGS, isDataFile, kindOfFile } from "./data_kinds.ts";
import { disk, type DiskEntry, NotFound } from "../disk.ts";
import { missingShards } from "../shard_names.ts";

/** The files of a split. */
export interface DatasetFiles {
  /** The paths, in the order of their names. */
  readonly files: readonly string[];
  /**
   * Whether no file or folder is named after a split. Then the files hold the rows of every split.
   */
  readonly bare: boolean;
}

const DEPTH = 3; // levels of folders below a dataset's folder: configurations and splits
const SPLITS =
  /^(train|test|valid|validation|val|dev|eval|evaluation)([._-]|$)/;

/** The paths of data files below a folder, relative to it and sorted by name. */
async function dataFiles(
  folder: string,
  depth: number,
  inside = "",
): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of disk().list(join(folder, inside))) {
    const path = join(inside, entry.name);
    if (entry.isDirectory && depth > 1 && !entry.name.startsWith(".")) {
      found.push(...await dataFiles(folder, depth - 1, path));
    } else if (!entry.isDirectory && isDataFile(entry.name)) found.push(path);
  }
  return found.sort();
}

/** What follows a split's name in those of its shards; older ones end in a hash. */
const SHARD = /^([-_.]\d+([-_]of[-_]\d+(-[0-9a-f]{8,})?)?)?$/;

/**
 * Whether a file belongs to a split: `train`, a shard such as `train-00000-of-00004` or `train_3`,
 * or any file in a folder `train`.
 */
function isOfSplit(path: string, split: string): boolean {
  const parts = path.split(/[/\\]/);
  const { stem } = kindOfFile(parts.pop() ?? "");
  const shard = stem.startsWith(split) ? stem.slice(split.length) : "no";
  return SHARD.test(shard) || parts.includes(split);
}

/** Whether two files in the same folder both claim to be the whole split. */
function clash(files: readonly string[], split: string): boolean {
  const whole = files.filter((path) =>
    kindOfFile(path.split(/[/\\]/).at(-1) ?? "").stem === split
  );
  const folders = whole.map((path) => dirname(path));
  return new Set(folders).size < folders.length;
}

function namesSplit(path: string): boolean {
  return path.split(/[/\\]/).some((part) => SPLITS.test(part));
}

async function filesOfFolder(
  folder: string,
  split: string,
): Promise<DatasetFiles> {
  const all = await dataFiles(folder, DEPTH);
  const fits = all.filter((path) => isOfSplit(path, split));
  const isClear = fits.length > 0 && !clash(fits, split);
  if (isClear || (all.length > 0 && !all.some(namesSplit))) {
    const files = isClear ? fits : all;
    refuseMissing(files, folder);
    return { files: files.map((path) => join(folder, path)), bare: !isClear };
  }
  const names: string[] = [];
  for await (const { name } of disk().list(folder)) names.push(name);
  const found = (fits.length > 1 ? fits : all.length > 0 ? all : names).sort();
  const message = `Cannot find split "${split}" in "${folder}": found "${
    found.slice(0, 20).join('", "')
  }", expected one "${split}.*" or shards of it, with the ending ${DATA_ENDINGS}`;
  throw fits.length > 1 ? new TypeError(message) : new NotFound(message);
}

/** @throws {NotFound} if some of the shards that belong together are not there */
function refuseMissing(files: readonly string[], folder: string): void {
  const missing = missingShards(files);
  if (missing === undefined) return;
  throw new NotFound(
    `Cannot read the dataset "${folder}": ${missing}; download them again, or name the files that you mean one by one or by a pattern`,
  );
}

/** The files that fit a pattern, in which `**` matches folders. */
async function filesOfPattern(pattern: string): Promise<string[]> {
  const parts = pattern.split("/");
  const fixed = parts.slice(0, parts.findIndex((part) => isGlob(part)));
  const base = fixed.length === 0 ? "." : fixed.join("/") || "/";
  const depth = pattern.includes("**") ? 16 : parts.length - fixed.length;
  const expression = globToRegExp(pattern, { globstar: true });
  const paths = await dataFiles(base, depth);
  return paths.map((path) => fixed.length === 0 ? path : join(base, path))
    .filter((path) => expression.test(path));
}

async function statOf(path: string): Promise<DiskEntry | undefined> {
  try {
    return await disk().stat(path);
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw error;
  }
}

/** Whether a path can be the name of a repository, OWNER/NAME, and not of a folder here. */
function isHubName(path: string): boolean {
  return /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(path) && !isDataFile(path) &&
    !/^(output|model_hub|data)\//.test(path);
}

/**
 * The files of a split.
 *
 * @param path a file, a folder, or a pattern such as `data/part-*.jsonl`
 * @param split the name of the split, as in the names of files: `train`, `test`, `train_prefs`, ...
 * @throws {NotFound} if there is no file, naming those that exist; {TypeError} if several files
 *   claim to be the split
 */
export async function datasetFiles(
  path: string,
  split: string,
): Promise<DatasetFiles> {
  const info = await statOf(path);
  if (info?.isFile) return { files: [path], bare: true };
  if (info !== undefined) return await filesOfFolder(path, split);
  if (!isGlob(path)) {
    throw new NotFound(
      `Cannot find dataset "${path}": no such file or folder${
        isHubName(path)
          ? `; run deno task download --dataset=${path} if it is on a hub`
          : ""
      }`,
    );
  }
  const files = await filesOfPattern(path);
  // a pattern with numbers chooses shards
  const isWhole = !/[\d[{?]/.test(path.split("/").at(-1) ?? "");
  if (isWhole) refuseMissing(files, path);
  if (files.length > 0) return { files, bare: true };
  throw new NotFound(
    `Cannot find dataset "${path}": no file fits the pattern, expected files that end in ${DATA_ENDINGS}`,
  );
}
