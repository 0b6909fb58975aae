/**
 * What lies in a folder before a download writes there: files that no download brought stay as they
 * are, and nothing is written through a link.
 */
import { dirname, join } from "@std/path";
import { disk, type DiskEntry, NotFound } from "../disk.ts";
import {
  difference,
  type Expected,
  type Measured,
  measureFile,
} from "./checksum.ts";
import type { RepoFile } from "./repo.ts";
import type { RepoRecord } from "./repo_record.ts";

/** Where a repository is downloaded to. */
interface Place {
  /** Name of the repository. */
  readonly repo: string;
  readonly folder: string;
  /** What the folder says of the downloads before. */
  readonly record: RepoRecord | undefined;
}

const HOW = "move it away, choose another folder, or set overwrite";

/**
 * Fails if a file would replace one of other content that no download brought.
 *
 * @throws {TypeError} naming every such file
 */
export async function checkForeignFiles(
  files: readonly RepoFile[],
  { repo, folder, record }: Place,
): Promise<void> {
  const foreign: string[] = [];
  for (const file of files) {
    if (record?.files.has(file.path)) continue;
    const there = await measureFile(join(folder, file.path), file.size);
    if (there !== undefined && difference(there, file) !== undefined) {
      foreign.push(file.path);
    }
  }
  if (foreign.length === 0) return;
  const names = foreign.slice(0, 20).join('", "');
  const more = foreign.length > 20 ? ` and ${foreign.length - 20} more` : "";
  throw new TypeError(
    `Cannot download "${repo}" to "${folder}": it holds "${names}"${more} with other content, which no download brought; ${HOW}`,
  );
}

/**
 * Fails if a file is not as the download before left it: somebody changed it.
 *
 * @throws {TypeError} naming it
 */
export async function checkUnchanged(
  path: string,
  { repo, folder, record }: Place,
): Promise<void> {
  const left = record?.files.get(path) ?? [];
  if (left.length === 0) return; // an older record, which knows no content
  if (await leftContent(join(folder, path), left)) return;
  throw new TypeError(
    `Cannot download "${repo}" to "${folder}": "${path}" was changed or damaged since it was downloaded; ${HOW}`,
  );
}

/**
 * The content of a file, if it is one that a download left.
 *
 * @param path of the file on the disk
 */
export async function leftContent(
  path: string,
  left: readonly Expected[],
): Promise<Measured | undefined> {
  for (const one of left) {
    const there = await measureFile(path, one.size);
    if (there === undefined) return undefined;
    if (difference(there, one) === undefined) return there;
  }
  return undefined;
}

/**
 * Fails if a folder is where a file should come, a file where a folder should, or a link where a
 * folder should: nothing is written through one. The folder that is downloaded to may itself be a
 * link, to a bigger disk.
 *
 * @throws {TypeError} naming it
 */
export async function checkRoom(
  paths: readonly string[],
  { repo, folder }: Pick<Place, "repo" | "folder">,
): Promise<void> {
  const folders = new Set<string>();
  for (const path of paths) {
    for (let at = dirname(path); at !== "."; at = dirname(at)) folders.add(at);
  }
  const fail = (path: string, fault: string) => {
    throw new TypeError(
      `Cannot download "${repo}" to "${folder}": "${path}" in it is ${fault}; move it away`,
    );
  };
  // from the top down, so that nothing is looked for below a file
  for (const below of [...folders].sort()) {
    const path = join(folder, below);
    if (await disk().isLink?.(path)) {
      fail(below, "a link, through which nothing is written");
    }
    if ((await entryAt(path))?.isFile) fail(below, "a file, expected a folder");
  }
  for (const path of paths) {
    const entry = await entryAt(join(folder, path));
    if (entry?.isDirectory) fail(path, "a folder, expected a file");
  }
}

/** What lies at a path; undefined if nothing does. */
async function entryAt(path: string): Promise<DiskEntry | undefined> {
  try {
    return await disk().stat(path);
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw error;
  }
}
