/**
 * The record in a folder of downloaded files: which repository they are of, at which version, and
 * whether all of them came.
 */
import { join } from "@std/path";
import { writeFileAtomic } from "../disk/atomic.ts";
import { isJsonObject, readJsonObjectIfThere } from "../disk/json_file.ts";
import type { Downloaded } from "./download.ts";
import type { Repo, RepoListing } from "./repo.ts";

/** Name of the record's file. */
export const MANIFEST = ".tiebreak.json";

/** What a record says. */
export interface RepoRecord {
  /** `owner/name` */
  readonly repo: string;
  /** Whether the last download to this folder came to its end. */
  readonly complete: boolean;
  /** Paths of the files that downloads brought. */
  readonly files: readonly string[];
  /** The branch, tag or commit that was asked for, and its commit, where the record says so. */
  readonly versions: readonly string[];
}

/** The record of a folder; undefined if it has none, or one that names no repository. */
export async function readRecord(
  folder: string,
): Promise<RepoRecord | undefined> {
  const record = await readJsonObjectIfThere(join(folder, MANIFEST));
  const repo = record?.["repo"];
  if (record === undefined || typeof repo !== "string") return undefined;
  const { files, complete, revision, commit } = record;
  return {
    repo,
    complete: complete !== false,
    files: isJsonObject(files) ? Object.keys(files) : [],
    versions: [revision, commit].filter((one) => typeof one === "string"),
  };
}

/** Writes down that a download began, so that no other repository comes into the same folder. */
export async function claimFolder(folder: string, repo: Repo): Promise<void> {
  const path = join(folder, MANIFEST);
  const old = await readJsonObjectIfThere(path);
  await writeJson(path, {
    ...old,
    ...origin(repo),
    files: old?.["files"] ?? {},
    complete: false,
  });
}

/** Writes down what a download brought. */
export async function writeRecord(
  folder: string,
  repo: Repo,
  { revision, commit, files }:
    & Pick<RepoListing, "revision" | "commit">
    & { readonly files: ReadonlyMap<string, Downloaded> },
): Promise<void> {
  await writeJson(join(folder, MANIFEST), {
    ...origin(repo),
    revision,
    commit: commit ?? null,
    files: Object.fromEntries(
      [...files].map(([path, { size, sha256 }]) => [path, { size, sha256 }]),
    ),
  });
}

const origin = ({ source, kind, name }: Repo) => ({ source, kind, repo: name });

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFileAtomic(path, JSON.stringify(value, null, 2) + "\n");
}
