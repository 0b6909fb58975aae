/** What src/ needs of a disk: its calls, its files and entries, as types alone. */

/** What lies at a path. */
export interface DiskEntry {
  readonly isFile: boolean;
  readonly isDirectory: boolean;
  /** Bytes of a file. */
  readonly size: number;
  /** Time of the last change; null if the disk does not know it. */
  readonly mtime: Date | null;
  /**
   * Time of the last change of bytes, name or rights, which programs cannot set as they can
   * `mtime`; Deno rounds it down to seconds. Null or absent where there is none, as on Windows.
   */
  readonly ctime?: Date | null;
  /** Number of the file on its disk; null or absent where there is none, as on Windows. */
  readonly ino?: number | null;
}

/** An entry of a folder. */
export interface NamedEntry {
  readonly name: string;
  readonly isFile: boolean;
  readonly isDirectory: boolean;
}

/** How a file is opened; by default for reading a file that exists. */
export interface OpenOptions {
  readonly read?: boolean;
  readonly write?: boolean;
  /** Whether every write goes to the end of the file. */
  readonly append?: boolean;
  /** Whether the file is made if it does not exist. */
  readonly create?: boolean;
  /** Whether the file is made; it must not exist before. */
  readonly createNew?: boolean;
  /** Whether the file is emptied. */
  readonly truncate?: boolean;
}

/** An open file with a position, which begins at 0. The file must be disposed. */
export interface DiskFile extends Disposable {
  /** Reads some bytes at the position and returns their number; null at the end of the file. */
  read(bytes: Uint8Array<ArrayBuffer>): Promise<number | null>;
  /** Reads some bytes at a given place, so that several reads can run at the same time. */
  readAt(
    position: number,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<number | null>;
  /** Writes some of the bytes at the position and returns their number. */
  write(bytes: Uint8Array): Promise<number>;
  /** Moves the position, counted from the start. */
  seek(position: number): Promise<void>;
  /** Cuts the file to a number of bytes. */
  truncate(size: number): Promise<void>;
  /** The size of the file in bytes. */
  size(): Promise<number>;
  /** Returns when everything that was written would survive a power cut. */
  sync(): Promise<void>;
  /** The rest of the file in pieces; the stream closes the file. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>;
  /**
   * Locks the file until it is closed or the program ends, in whatever way; false while it is
   * locked through another opening of it. Absent where no other program comes.
   *
   * @throws if the disk has no locks
   */
  lock?(): Promise<boolean>;
  /** Whether a path leads to this very file; undefined if the disk cannot tell. */
  isAt?(path: string): Promise<boolean | undefined>;
}

/** A file that is written from its start to its end. */
export type WritableFile = Pick<DiskFile, "write">;

/** A disk. Paths have Deno's form; a call on a path that does not exist throws `NotFound`. */
export interface Disk {
  open(path: string, options?: OpenOptions): Promise<DiskFile>;
  /** Reads all bytes of a file. */
  readFile(path: string): Promise<Uint8Array<ArrayBuffer>>;
  stat(path: string): Promise<DiskEntry>;
  /** The entries of a folder, in any order. */
  list(path: string): AsyncIterable<NamedEntry>;
  /** Makes a folder and the folders above it, if they do not exist. */
  makeFolder(path: string): Promise<void>;
  /** Removes a file or an empty folder; with `recursive` also all that a folder holds. */
  remove(
    path: string,
    options?: { readonly recursive?: boolean },
  ): Promise<void>;
  /** Moves a file or folder to another path; a file replaces a file that exists there. */
  rename(from: string, to: string): Promise<void>;
  /** The canonical path of a file. */
  realPath(path: string): Promise<string>;
  /**
   * Returns when renames in a folder would survive a power cut. Absent where a disk cannot promise
   * that: Windows has no such call, and NTFS keeps a journal of renames.
   */
  syncFolder?(path: string): Promise<void>;
  /** Sets the times of a file to now; absent on a disk that does not keep them. */
  touch?(path: string): Promise<void>;
  /** Whether a path itself is a link; absent on a disk without links. */
  isLink?(path: string): Promise<boolean>;
  /** What this program tells others that come to the same disk. */
  readonly program?: DiskProgram | undefined;
}

/** A program as others know it. */
export interface DiskProgram {
  /** Number of its process. */
  readonly pid: number;
  /** Name of its machine; null if it may not know that. */
  readonly host: string | null;
}
