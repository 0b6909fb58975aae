/**
 * The record in a folder of downloaded files: which repository they are of, at which version, and
 * whether all of them came.
 */
import { join } from "@std/path";
import { writeFileAtomic } from "../disk/atomic.ts";
import {
  isJsonObject,
  type JsonObject,
  readJsonObjectIfThere,
} from "../disk/json_file.ts";
import type { Expected } from "./checksum.ts";
import type { Downloaded } from "./download.ts";
import type { Repo, RepoFile, RepoListing } from "./repo.ts";

/** Name of the record's file. */
export const MANIFEST = ".tiebreak.json";

/** What a record says. */
export interface RepoRecord {
  /** `owner/name` */
  readonly repo: string;
  /** Whether the last download to this folder came to its end. */
  readonly complete: boolean;
  /**
   * The files that downloads brought, or were bringing when they were cut, by path: the contents
   * that they may have.
   */
  readonly files: ReadonlyMap<string, readonly Expected[]>;
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
    files: contentsOf([...entriesOf(files), ...entriesOf(coming)]),
    versions: [revision, commit].filter((one) => typeof one === "string"),
  };
}

const entriesOf = (files: unknown) =>
  Object.entries(isJsonObject(files) ? files : {});

function contentsOf(
  entries: readonly [string, unknown][],
): Map<string, Expected[]> {
  const contents = new Map<string, Expected[]>();
  for (const [path, one] of entries) {
    const known = contents.get(path) ?? [];
    const { size, sha256, gitOid } = isJsonObject(one) ? one : {};
    contents.set(path, known);
    if (typeof size !== "number") continue;
    known.push({
      size,
      ...typeof sha256 === "string" && { sha256 },
      ...typeof gitOid === "string" && { gitOid },
    });
  }
  return contents;
}

/** Size and hashes of files, by path, as a record has them. */
function contentsJson(
  files: Iterable<readonly [string, Expected]>,
): JsonObject {
  return Object.fromEntries(
    [...files].map((
      [path, { size, sha256, gitOid }],
    ) => [path, sha256 ? { size, sha256 } : { size, gitOid }]),
  );
}

/**
 * Writes down that a download began, so that no other repository comes into the same folder, and
 * which files it brings.
 */
export async function claimFolder(
  folder: string,
  repo: Repo,
  coming: readonly RepoFile[],
): Promise<void> {
  const path = join(folder, MANIFEST);
  const old = await readJsonObjectIfThere(path);
  const entries = coming.map((file) => [file.path, file] as const);
  await writeJson(path, {
    ...old,
    ...origin(repo),
    files: old?.["files"] ?? {},
    coming: {
      ...isJsonObject(old?.["coming"]) ? old["coming"] : {},
      ...contentsJson(entries),
    },
    complete: false,
  });
}

/** Writes down what a download brought, and what others before it brought that is still there. */
export async function writeRecord(
  folder: string,
  repo: Repo,
  { revision, commit, files, earlier }:
    & Pick<RepoListing, "revision" | "commit">
    & {
      readonly files: ReadonlyMap<string, Downloaded>;
      readonly earlier: Iterable<readonly [string, Expected]>;
    },
): Promise<void> {
  await writeJson(join(folder, MANIFEST), {
    ...origin(repo),
    revision,
    commit: commit ?? null,
    files: contentsJson([...earlier, ...files]),
  });
}

const origin = ({ source, kind, name }: Repo) => ({ source, kind, repo: name });

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFileAtomic(path, JSON.stringify(value, null, 2) + "\n");
}
