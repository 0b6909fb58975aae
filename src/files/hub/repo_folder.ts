/** Finds the local folders of repositories. A name may be a local path or `owner/name` on a hub. */
import { isGlob, join } from "@std/path";
import type { RepoKind } from "./repo.ts";
import { disk, NotFound } from "../disk.ts";
import { readRecord, type RepoRecord } from "./repo_record.ts";

const REPO_NAME = /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)?$/;

/** Whether a name has the form of a repository's name: `owner/name` or `name`. */
export function isRepoName(name: string): boolean {
  return REPO_NAME.test(name) && !name.includes("..");
}

/** Folders that may hold a repository: with its owner in the name, and without. */
interface RepoFolders {
  /** `model_hub/<owner>--<name>` or `data/<owner>--<name>`; without an owner as `short`. */
  readonly owned: string;
  /** `model_hub/<name>` or `data/<name>`, which only the record in it can tell the owner of. */
  readonly short: string;
}

/**
 * Checks the name of a repository.
 *
 * @throws {TypeError} if it is neither `owner/name` nor `name`
 */
export function checkRepoName(name: string): void {
  if (isRepoName(name)) return;
  throw new TypeError(
    `Cannot download "${name}": expected a repository's name, "owner/name"`,
  );
}

/** Where a repository may lie. @throws as `checkRepoName()` does */
function repoFolders(kind: RepoKind, name: string): RepoFolders {
  checkRepoName(name);
  const root = kind === "model" ? "model_hub" : "data";
  return {
    owned: join(root, name.replace("/", "--")),
    short: join(root, name.split("/").at(-1)!),
  };
}

/**
 * The folder to download a repository to. A model's is `model_hub/<owner>--<name>`. A dataset's is
 * `data/<name>`, or `data/<owner>--<name>` where the short one holds anything else.
 *
 * @throws {TypeError} if the name has not this form
 */
export async function repoFolder(
  kind: RepoKind,
  name: string,
): Promise<string> {
  const { owned, short } = repoFolders(kind, name);
  if (owned === short || await isThere(owned)) return owned;
  const record = await readRecord(short);
  if (record?.repo === name) return short;
  return kind === "model" || await isThere(short) ? owned : short;
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
  const { owned, short } = repoFolders(kind, nameOrPath);
  const faults: string[] = [];
  for (const folder of new Set([owned, short])) {
    if (!await isThere(folder)) continue;
    const record = await readRecord(folder);
    const fault = faultOf(folder, { record, nameOrPath, owned });
    if (fault === undefined) return folder;
    faults.push(fault);
  }
  throw new NotFound(
    `Cannot find ${kind} "${nameOrPath}": ${
      faults.length > 0
        ? faults.join("; ")
        : `neither it nor "${owned}" is there`
    }${downloadAdvice(kind, nameOrPath)}`,
  );
}

/**
 * The command that downloads a repository, with its own name; nothing for what can only be a path
 * here, such as the folder of a run.
 */
export function downloadAdvice(kind: RepoKind, name: string): string {
  const isHere = /^(output|model_hub|data)\//.test(name);
  if (isHere || !isRepoName(name)) return "";
  const option = kind === "model" ? "model_name_or_path" : "dataset";
  return `; run deno task download --${option}=${name} if it is on a hub`;
}

/** Why a folder is not the whole repository of this name, in words; undefined if it is. */
function faultOf(
  folder: string,
  { record, nameOrPath, owned }: {
    record: RepoRecord | undefined;
    nameOrPath: string;
    owned: string;
  },
): string | undefined {
  if (record === undefined) {
    return folder === owned
      ? undefined
      : `"${folder}" does not say whose it is, name it as a path if it is yours`;
  }
  if (record.repo !== nameOrPath) {
    return `"${folder}" holds "${record.repo}"`;
  }
  return record.complete
    ? undefined
    : `its download to "${folder}" has not come to its end`;
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
