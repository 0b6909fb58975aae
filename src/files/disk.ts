/**
 * The one way to files: what the engine asks of a disk, and the disk in use. On Deno that is the
 * machine's; a page, or a test, puts another in its place by `useDisk()`, and all of src/ reads and
 * writes there.
 */

/** What is at a path. */
export interface DiskEntry {
  readonly isFile: boolean;
  readonly isDirectory: boolean;
  /** Bytes of a file. */
  readonly size: number;
  /** When it was last changed; null where the disk does not tell. */
  readonly mtime: Date | null;
}

/** What a folder holds. */
export interface NamedEntry {
  readonly name: string;
  readonly isFile: boolean;
  readonly isDirectory: boolean;
}

/** How a file is opened; by default to read what is there. */
export interface OpenOptions {
  readonly read?: boolean;
  readonly write?: boolean;
  /** Write at the end, wherever that is. */
  readonly append?: boolean;
  /** Make the file if it is not there. */
  readonly create?: boolean;
  /** Make the file, which must not be there. */
  readonly createNew?: boolean;
  /** Empty the file. */
  readonly truncate?: boolean;
}

/** An open file with a position, at its start at first. Dispose it at the end. */
export interface DiskFile extends Disposable {
  /** Reads some bytes at the position: how many; null at the end of the file. */
  read(bytes: Uint8Array<ArrayBuffer>): Promise<number | null>;
  /** Reads some bytes at a place of its own, so that several reads at once do not cross. */
  readAt(
    position: number,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<number | null>;
  /** Writes some of the bytes at the position: how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Moves the position, counted from the start. */
  seek(position: number): Promise<void>;
  /** Cuts the file to so many bytes. */
  truncate(size: number): Promise<void>;
  /** Bytes of the file. */
  size(): Promise<number>;
  /** Returns when all that was written is safe from a power cut. */
  sync(): Promise<void>;
  /** The rest of the file in pieces; the stream closes the file. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>;
}

/**
 * A place for files. Paths are as Deno takes them; each call throws `NotFound` where nothing is.
 */
export interface Disk {
  open(path: string, options?: OpenOptions): Promise<DiskFile>;
  /** All bytes of a file. */
  readFile(path: string): Promise<Uint8Array<ArrayBuffer>>;
  stat(path: string): Promise<DiskEntry>;
  /** What a folder holds, in any order. */
  list(path: string): AsyncIterable<NamedEntry>;
  /** Makes a folder and those above it, where they are not there. */
  makeFolder(path: string): Promise<void>;
  /** Removes a file or an empty folder; with `recursive` also all that a folder holds. */
  remove(
    path: string,
    options?: { readonly recursive?: boolean },
  ): Promise<void>;
  /** Gives a file or folder another path; a file takes the place of a file that is there. */
  rename(from: string, to: string): Promise<void>;
  /** One path for one file, however it is named. */
  realPath(path: string): Promise<string>;
}

/** Deno, where that is what runs. */
const runtime = (globalThis as { readonly Deno?: typeof Deno }).Deno;

/** There is nothing at a path. */
export const NotFound: new (message: string) => Error =
  runtime?.errors.NotFound ?? class NotFound extends Error {
    override readonly name = "NotFound";
  };

/** The disk refuses. */
export const PermissionDenied: new (message: string) => Error =
  runtime?.errors.PermissionDenied ?? class PermissionDenied extends Error {
    override readonly name = "PermissionDenied";
  };

/** This process may not ask the disk: a permission of Deno is not given. */
export const NotCapable: new (message: string) => Error =
  runtime?.errors.NotCapable ?? class NotCapable extends Error {
    override readonly name = "NotCapable";
  };

/** What of Deno the disk needs. */
type Runtime = Pick<
  typeof Deno,
  | "open"
  | "readFile"
  | "stat"
  | "readDir"
  | "mkdir"
  | "remove"
  | "rename"
  | "realPath"
>;

/**
 * The machine's own disk, through Deno as a value: where there is no Deno, nothing here is touched.
 */
function denoDisk(deno: Runtime): Disk {
  return {
    open: async (path, options) => new DenoFile(await deno.open(path, options)),
    readFile: (path) => deno.readFile(path),
    stat: (path) => deno.stat(path),
    list: (path) => deno.readDir(path),
    makeFolder: (path) => deno.mkdir(path, { recursive: true }),
    remove: (path, options) => deno.remove(path, options),
    rename: (from, to) => deno.rename(from, to),
    realPath: (path) => deno.realPath(path),
  };
}

/** Deno's name for "from the start of the file". */
const FROM_START = 0;

class DenoFile implements DiskFile {
  readonly #file: Deno.FsFile;

  constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  read(bytes: Uint8Array<ArrayBuffer>): Promise<number | null> {
    return this.#file.read(bytes);
  }

  /** Deno has no such call: position and read are set in one go, which nothing can come between. */
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
 * Puts another disk in use, for the whole program, until the result is disposed.
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
