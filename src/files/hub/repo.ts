/**
 * What a repository on a hub is, whichever hub: the words that both listings share.
 */
import type { Expected } from "./checksum.ts";
import type { RetryOptions } from "./retry.ts";
import type { HubAccess } from "./request.ts";

/** A hub. */
export type HubSource = "huggingface" | "modelscope";

/** What a repository holds. */
export type RepoKind = "model" | "dataset";

/** A repository at a revision. */
export interface Repo {
  /** The hub that it is on. */
  readonly source: HubSource;
  /** What it holds. */
  readonly kind: RepoKind;
  /** `owner/name` */
  readonly name: string;
  /** Branch, tag or commit; the hub's main branch if absent. */
  readonly revision?: string;
}

/** How to get at it. */
export interface RepoAccess extends RetryOptions {
  /** The hub's own address if absent. */
  readonly endpoint?: string;
  /** Sent to the hub's own host only. */
  readonly token?: string;
}

/** A file of a repository. */
export interface RepoFile extends Expected {
  /** Path in the repository. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Address to download it from. */
  readonly url: string;
}

/** All files of a repository. */
export interface RepoListing {
  /** How they are fetched. */
  readonly access: HubAccess;
  /** The revision that was asked for, by name. */
  readonly revision: string;
  /** The commit that it stands for, where the hub tells. */
  readonly commit?: string;
  /** Folders are left out. */
  readonly files: readonly RepoFile[];
}

/** A path or revision as part of an address; slashes stay. */
export function encodePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}
