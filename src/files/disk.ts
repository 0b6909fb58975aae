/**
 * The one interface to files: the calls that src/ needs of a disk, and the disk that is in use.
 * Under Deno that is the disk of the machine; a page or a test replaces it by `useDisk()`, and then
 * everything in src/ reads and writes there.
 */
import type { Disk, DiskFile } from "./disk_calls.ts";
import { toldDisk } from "./told_disk.ts";

export type {
  Disk,
  DiskEntry,
  DiskFile,
  DiskProgram,
  NamedEntry,
  OpenOptions,
  WritableFile,
} from "./disk_calls.ts";

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

let inUse: Disk | undefined = runtime && toldDisk(denoDisk(runtime));

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
  inUse = toldDisk(other);
  return {
    [Symbol.dispose]() {
      inUse = before;
    },
  };
}
