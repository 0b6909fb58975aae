/** The types of an upload, which all hubs share. */
import type { Measured } from "./checksum.ts";
import type { HubSource, RepoAccess, RepoFile } from "./repo.ts";

/** A file to upload. */
export interface LocalFile {
  /** Path in the repository. */
  readonly path: string;
  /** Path on this machine. */
  readonly local: string;
  /** Bytes. */
  readonly size: number;
}

/** A file with its hashes. */
export interface MeasuredFile extends LocalFile, Measured {}

/** A model's repository to upload to. */
export interface UploadTarget {
  readonly source: HubSource;
  /** `owner/name` */
  readonly name: string;
  /** Branch; the hub's main one if absent. */
  readonly revision?: string;
}

/** How files are uploaded. */
export interface UploadOptions extends RepoAccess {
  /** Whether a repository that is made now is private; else it is as the hub makes it. */
  readonly isPrivate: boolean;
  /** First line of the commit. */
  readonly message: string;
  /** Stops the upload; what was sent stays on the hub for the next time. */
  readonly signal?: AbortSignal;
  /** Milliseconds without a byte after which a connection counts as broken. */
  readonly idle?: number;
  /** Called with the bytes that are there or sent, their total, and the file that moved. */
  readonly onProgress?: (done: number, total: number, file: string) => void;
}

/** What one hub does: makes the repository, lists it, and commits files to it. */
export interface HubUpload {
  /** Address of the repository's page. */
  readonly page: string;
  /** Makes the repository, unless it is there. */
  create(): Promise<void>;
  /** The files that are there. */
  list(): Promise<readonly RepoFile[]>;
  /** Sends files and commits them. `onBytes` gets the bytes of a file that have left. */
  commit(
    files: readonly MeasuredFile[],
    onBytes: (file: string, sent: number) => void,
  ): Promise<void>;
}
