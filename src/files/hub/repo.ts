/** The types of repositories on hubs, which the listings of all hubs share. */
import type { Expected } from "./checksum.ts";
import type { AnswerOptions, HubAccess } from "./request.ts";

/** A hub. */
export type HubSource = "huggingface" | "modelscope";

/** What a repository holds. */
export type RepoKind = "model" | "dataset";

/** A repository at a revision. */
export interface Repo {
  /** The hub that it is on. */
  readonly source: HubSource;
  /** Whether it holds a model or a dataset. */
  readonly kind: RepoKind;
  /** `owner/name` */
  readonly name: string;
  /** Branch, tag or commit; the hub's main branch if absent. */
  readonly revision?: string;
}

/** How a repository is accessed. */
export interface RepoAccess extends AnswerOptions {
  /** Address of the hub or of a mirror; default: the hub's own. */
  readonly endpoint?: string;
  /** Token of the user, which is sent only to the host of the hub. */
  readonly token?: string;
}

/** A file of a repository. */
export interface RepoFile extends Expected {
  /** Path in the repository. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Address of the download. */
  readonly url: string;
}

/** All files of a repository. */
export interface RepoListing {
  /** How the files are downloaded. */
  readonly access: HubAccess;
  /** The name of the requested revision. */
  readonly revision: string;
  /** The commit of the revision, if the hub gives it. */
  readonly commit?: string;
  /** The files, without folders. */
  readonly files: readonly RepoFile[];
}

/**
 * Encodes a path or revision as part of an address; slashes are kept. Halves of characters have no
 * code: `checkSafePaths()` refuses them.
 */
export function encodePath(path: string): string {
  return path.toWellFormed().split("/").map(encodeURIComponent).join("/");
}
