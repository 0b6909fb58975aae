/**
 * The record in a folder of downloaded files: which repository they are of, at which version, and
 * whether all of them came.
 */
import { join } from "@std/path";
import { writeFileAtomic } from "../disk/atomic.ts";
import { isJsonObject, readJsonObjectIfThere } from "../disk/json_file.ts";
import type { Expected } from "./checksum.ts";
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
  /**
   * The files that downloads brought, by path, with their sizes and hashes; null where a download
   * began that has not come to its end.
   */
  readonly files: ReadonlyMap<string, Expected | null>;
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
  const { files, coming, complete, revision, commit } = record;
  return {
    repo,
    complete: complete !== false,
    files: new Map([
      ...Object.entries(isJsonObject(files) ? files : {})
        .map(([path, one]) => [path, expectedOf(one)] as const),
      ...(Array.isArray(coming) ? coming : [])
        .map((path) => [String(path), null] as const),
    ]),
    versions: [revision, commit].filter((one) => typeof one === "string"),
  };
}

/** Size and hash as a record has them; null if it has none. */
function expectedOf(one: unknown): Expected | null {
  const { size, sha256 } = isJsonObject(one) ? one : {};
  return typeof size === "number" && typeof sha256 === "string"
    ? { size, sha256 }
    : null;
}

/**
 * Writes down that a download began, so that no other repository comes into the same folder, and
 * which files it brings.
 */
export async function claimFolder(
  folder: string,
  repo: Repo,
  coming: readonly string[],
): Promise<void> {
  const path = join(folder, MANIFEST);
  const old = await readJsonObjectIfThere(path);
  await writeJson(path, {
    ...old,
    ...origin(repo),
    files: old?.["files"] ?? {},
    coming,
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
