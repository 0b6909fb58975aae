/**
 * A disk of which one call fails, and that counts its calls: for tests of what a full, forbidden or
 * failing disk leaves behind. `landed()` of a power cut needs a disk in memory.
 */
import {
  type Disk,
  type DiskFile,
  PermissionDenied,
} from "../../src/files/disk.ts";

/** The calls that change a disk. */
export type WritingCall =
  | "open"
  | "write"
  | "truncate"
  | "sync"
  | "makeFolder"
  | "remove"
  | "rename"
  | "syncFolder";

/** How a call fails: the system's error, or a write that takes half of its bytes. */
export type DiskFault = "ENOSPC" | "EIO" | "EACCES" | "short";

/** Which call fails and how. */
export interface PlannedFault {
  /** Number of the call among those that write, or among the reads of `path`; from 0. */
  readonly at: number;
  readonly kind: DiskFault;
  /** Reads of this file fail instead; `first` and `last` ones are counted beforehand. */
  readonly readOf?: string;
}

/** A disk that counts. */
export interface FailingDisk extends Disk {
  /** The writing calls so far, with what each was and where. */
  readonly calls: readonly {
    readonly call: WritingCall;
    readonly path: string;
  }[];
  /** Number of reads of each file so far. */
  readonly reads: ReadonlyMap<string, number>;
  /** What failed; undefined until then. */
  readonly failed: string | undefined;
}

const ERRORS: Readonly<Record<Exclude<DiskFault, "short">, () => Error>> = {
  ENOSPC: () => new Error("No space left on device (os error 28)"),
  EIO: () => new Error("Input/output error (os error 5)"),
  EACCES: () => new PermissionDenied("Permission denied (os error 13)"),
};

/** The same disk, of which one call fails. */
export function failingDisk(inner: Disk, fault?: PlannedFault): FailingDisk {
  const calls: { call: WritingCall; path: string }[] = [];
  const reads = new Map<string, number>();
  let failed: string | undefined;

  /** Counts a call; true if it is the one that takes half. */
  function writes(call: WritingCall, path: string): boolean {
    const number = calls.push({ call, path }) - 1;
    if (fault?.readOf !== undefined || fault?.at !== number) return false;
    failed = `${call} ${path}`;
    if (fault.kind !== "short") throw ERRORS[fault.kind]();
    return call === "write";
  }

  function readsOf(path: string): void {
    const number = reads.get(path) ?? 0;
    reads.set(path, number + 1);
    if (fault?.readOf !== path || fault.at !== number) return;
    failed = `read ${path}`;
    if (fault.kind !== "short") throw ERRORS[fault.kind]();
  }

  function counted(file: DiskFile, path: string): DiskFile {
    return new Proxy(file, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        return (...given: unknown[]) => {
          // a promise is what callers wait for, also of a call that fails at once
          const work = () => Reflect.apply(value, target, given);
          if (name === "write") {
            return attempt(() => {
              const [bytes] = given as [Uint8Array];
              const isHalf = writes("write", path);
              return isHalf && bytes.length > 1
                ? target.write(bytes.subarray(0, bytes.length >> 1))
                : work();
            });
          }
          if (name === "sync" || name === "truncate") {
            return attempt(() => (writes(name, path), work()));
          }
          if (name === "read" || name === "readAt") {
            return attempt(() => (readsOf(path), work()));
          }
          return work();
        };
      },
    });
  }

  return {
    ...inner,
    get calls() {
      return calls;
    },
    reads,
    get failed() {
      return failed;
    },
    async open(path, options) {
      const { write, append, create, createNew } = options ?? {};
      if (write || append || create || createNew) writes("open", path);
      return counted(await inner.open(path, options), path);
    },
    readFile: (path) => attempt(() => (readsOf(path), inner.readFile(path))),
    makeFolder: (path) =>
      attempt(() => (writes("makeFolder", path), inner.makeFolder(path))),
    remove: (path, options) =>
      attempt(() => (writes("remove", path), inner.remove(path, options))),
    rename: (from, to) =>
      attempt(() => (writes("rename", to), inner.rename(from, to))),
    syncFolder: (path) =>
      attempt(async () => {
        writes("syncFolder", path);
        await inner.syncFolder?.(path);
      }),
  };
}

/** A call as a promise, whether it fails at once or later. */
async function attempt<T>(work: () => T | Promise<T>): Promise<T> {
  return await work();
}
