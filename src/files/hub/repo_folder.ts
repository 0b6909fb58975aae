/** Finds the local folders of repositories. A name may be a local path or `owner/name` on a hub. */
import { isGlob, join } from "@std/path";
import type { RepoKind } from "./repo.ts";
import { disk, NotFound } from "../disk.ts";

const REPO_NAME = /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)?$/;

/** Whether a name has the form of a repository's name: `owner/name` or `name`. */
export function isRepoName(name: string): boolean {
  return REPO_NAME.test(name) && !name.includes("..");
}

/**
 * The folder of a repository: `model_hub/<owner>--<name>` or `data/<name>`.
 *
 * @throws {TypeError} if the name has not this form
 */
export function repoFolder(kind: RepoKind, name: string): string {
  if (!isRepoName(name)) {
    throw new TypeError(
      `Cannot download "${name}": expected a repository's name, "owner/name"`,
    );
  }
  return kind === "model"
    ? join("model_hub", name.replace("/", "--"))
    : join("data", name.split("/").at(-1)!);
}

/**
 * The local folder of a model that is named by path or by repository.
 *
 * @throws {NotFound} saying how to download it
 */
export async function localModelFolder(nameOrPath: string): Promise<string> {
  return await localPath("model", nameOrPath);
}

/**
 * The local file or folder of a dataset that is named by path or by repository; a pattern of files
 * stays one.
 *
 * @throws {NotFound} saying how to download it
 */
export async function localDatasetPath(nameOrPath: string): Promise<string> {
  return isGlob(nameOrPath)
    ? nameOrPath
    : await localPath("dataset", nameOrPath);
}

async function localPath(kind: RepoKind, nameOrPath: string): Promise<string> {
  if (await isThere(nameOrPath)) return nameOrPath;
  if (!isRepoName(nameOrPath)) {
    throw new NotFound(
      `Cannot find ${kind} "${nameOrPath}": no such path`,
    );
  }
  const folder = repoFolder(kind, nameOrPath);
  if (await isThere(folder)) return folder;
  throw new NotFound(
    `Cannot find ${kind} "${nameOrPath}": neither it nor "${folder}" is there; run deno task download RECIPE`,
  );
}

/** Whether there is anything at a path. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await disk().stat(path);
    return true;
  } catch (error) {
    if (error instanceof NotFound) return false;
    throw error;
  }
}
