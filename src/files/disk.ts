/**
 * The one interface to files: the calls that src/ needs of a disk, and the disk that is in use.
 * Under Deno that is the disk of the machine; a page or a test replaces it by `useDisk()`, and then
 * everything in src/ reads and writes there.
 */

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

/** A file that is written from its start to its end, and nothing else. */
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
  readonly program?: DiskProgram;
}

/** A program as others know it. */
export interface DiskProgram {
  /** Number of its process. */
  readonly pid: number;
  /** Name of its machine; null if it may not know that. */
  readonly host: string | null;
}

/** Deno's namespace; undefined on other platforms. */
const runtime = (globalThis as { readonly Deno?: typeof Deno }).Deno;

/** Thrown if a path does not exist. */
export const NotFound: new (message: string) => Error =
  runtime?.errors.NotFound ?? class NotFound extends Error {
    override readonly name = "NotFound";
  };

/** Thrown if the disk refuses an access. */
export const PermissionDenied: new (message: string) => Error =
  runtime?.errors.PermissionDenied ?? class PermissionDenied extends Error {
    override readonly name = "PermissionDenied";
  };

/** Thrown if Deno was not given the permission for an access. */
export const NotCapable: new (message: string) => Error =
  runtime?.errors.NotCapable ?? class NotCapable extends Error {
    override readonly name = "NotCapable";
  };

/** The part of Deno that the disk needs. */
type Runtime = Pick<
  typeof Deno,
  | "open"
  | "readFile"
  | "stat"
  | "lstat"
  | "readDir"
  | "mkdir"
  | "remove"
  | "rename"
  | "realPath"
  | "utime"
  | "build"
  | "pid"
  | "hostname"
  | "permissions"
>;

/**
 * The disk of the machine. It takes Deno as an argument, so that nothing of it is used on other
 * platforms.
 */
function denoDisk(deno: Runtime): Disk {
  return {
    open: async (path, options) =>
      new DenoFile(await deno.open(path, options), deno),
    readFile: (path) => deno.readFile(path),
    stat: (path) => deno.stat(path),
    list: (path) => deno.readDir(path),
    makeFolder: (path) => deno.mkdir(path, { recursive: true }),
    remove: (path, options) => deno.remove(path, options),
    rename: (from, to) => deno.rename(from, to),
    realPath: (path) => deno.realPath(path),
    touch: (path) => deno.utime(path, new Date(), new Date()),
    ...deno.build.os === "windows"
      ? {}
      : { syncFolder: (path: string) => syncFolder(deno, path) },
    async isLink(path) {
      try {
        return (await deno.lstat(path)).isSymlink;
      } catch (error) {
        if (error instanceof NotFound) return false;
        throw error;
      }
    },
    get program() {
      return { pid: deno.pid, host: hostName(deno) };
    },
  };
}

/** The machine's name, if it may be known without a question to the user. */
function hostName({ permissions, hostname }: Runtime): string | null {
  const { state } = permissions.querySync({ name: "sys", kind: "hostname" });
  return state === "granted" ? hostname() : null;
}

/** File systems without such a sync, such as some on networks, refuse it in words of their own. */
async function syncFolder(deno: Runtime, path: string): Promise<void> {
  try {
    using folder = await deno.open(path);
    await folder.sync();
  } catch (error) {
    if ((error as { readonly code?: string }).code === "EIO") throw error;
  }
}

/** Deno's name for "from the start of the file". */
const FROM_START = 0;

class DenoFile implements DiskFile {
  readonly #file: Deno.FsFile;
  readonly #deno: Pick<Runtime, "stat">;

  constructor(file: Deno.FsFile, deno: Pick<Runtime, "stat">) {
    this.#file = file;
    this.#deno = deno;
  }

  read(bytes: Uint8Array<ArrayBuffer>): Promise<number | null> {
    return this.#file.read(bytes);
  }

  /**
   * Deno has no such call. Seek and read run synchronously, so no other read can come between them.
   */
  // deno-lint-ignore require-await
  async readAt(
    position: number,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<number | null> {
    this.#file.seekSync(position, FROM_START);
    return this.#file.readSync(bytes);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#file.write(bytes);
  }

  async seek(position: number): Promise<void> {
    await this.#file.seek(position, FROM_START);
  }

  truncate(size: number): Promise<void> {
    return this.#file.truncate(size);
  }

  async size(): Promise<number> {
    return (await this.#file.stat()).size;
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#file.readable;
  }

  lock(): Promise<boolean> {
    return this.#file.tryLock(true);
  }

  async isAt(path: string): Promise<boolean | undefined> {
    const { ino, dev } = await this.#file.stat();
    try {
      const there = await this.#deno.stat(path);
      if (ino === null || there.ino === null) return undefined;
      return there.ino === ino && there.dev === dev;
    } catch (error) {
      if (error instanceof NotFound) return false;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}

let inUse: Disk | undefined = runtime && denoDisk(runtime);

/**
 * The disk in use.
 *
 * @throws {Error} on a page that has not chosen one
 */
export function disk(): Disk {
  if (inUse !== undefined) return inUse;
  throw new Error(
    "Cannot reach files: this platform has no disk of its own, expected a call of useDisk() first",
  );
}

/**
 * Makes the whole program use another disk, until the result is disposed.
 *
 * A page calls it once. In a test: `using _disk = useDisk(memoryDisk());`
 */
export function useDisk(other: Disk): Disposable {
  const before = inUse;
  inUse = other;
  return {
    [Symbol.dispose]() {
      inUse = before;
    },
  };
}
