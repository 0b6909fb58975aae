/**
 * A disk that begins to fail at one of its calls, and that counts its calls: for tests of what a
 * full, forbidden or failing disk leaves behind, and one whose power is cut.
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

/** Faults of a single call: the system's error, or a write that takes half of its bytes. */
const ONCE = ["ENOSPC", "EIO", "EACCES", "short"] as const;
/** Faults of a call and of all after it: no room for anything more, no writing, no power. */
const LASTING = ["full", "read-only", "power"] as const;

/** How a disk fails. */
export type DiskFault = typeof ONCE[number] | typeof LASTING[number];

/** Which call fails first and how. */
export interface PlannedFault {
  /** Number of the call among those that write, or among the reads of a file; from 0. */
  readonly at: number;
  readonly kind: DiskFault;
  /** Reads of this file fail instead; opening it is the first. */
  readonly readOf?: string;
}

/** A call that changes a disk, and where. */
export interface Call {
  readonly call: WritingCall | "read";
  readonly path: string;
}

/** A disk that counts. */
export interface FailingDisk extends Disk {
  /** The writing calls so far. */
  readonly calls: readonly Call[];
  /** Number of reads of each file so far. */
  readonly reads: ReadonlyMap<string, number>;
  /** The calls that failed, or took half, so far. */
  readonly failed: readonly Call[];
}

/** The error of each fault. */
const ERRORS: Readonly<Record<Exclude<DiskFault, "short">, () => Error>> = {
  ENOSPC: () => new Error("No space left on device (os error 28)"),
  EIO: () => new Error("Input/output error (os error 5)"),
  EACCES: () => new PermissionDenied("Permission denied (os error 13)"),
  full: () => new Error("No space left on device (os error 28)"),
  "read-only": () => new Error("Read-only file system (os error 30)"),
  power: () => new Error("the power is cut"),
};

/** Calls that take room. */
const GROWING: readonly Call["call"][] = ["open", "write", "makeFolder"];

/** Whether a fault can befall a call. */
export function canFail(kind: DiskFault, { call }: Call): boolean {
  if (kind === "short") return call === "write";
  return kind !== "full" || GROWING.includes(call);
}

/** The same disk, of which one call fails, or all from one on. */
export function failingDisk(inner: Disk, fault?: PlannedFault): FailingDisk {
  const calls: Call[] = [];
  const reads = new Map<string, number>();
  const failed: Call[] = [];

  /** Throws if a call fails; true if it takes half. */
  function meets(call: Call, isFirst: boolean): boolean {
    if (fault === undefined) return false;
    const isOn = failed.length > 0 &&
      (LASTING as readonly string[]).includes(fault.kind) &&
      (call.call !== "read" || fault.kind === "power");
    if (!isFirst && !isOn) return false;
    if (!canFail(fault.kind, call)) return false;
    failed.push(call);
    if (fault.kind !== "short") throw ERRORS[fault.kind]();
    return true;
  }

  function writes(call: WritingCall, path: string): boolean {
    const number = calls.push({ call, path }) - 1;
    const isFirst = fault?.readOf === undefined && fault?.at === number;
    return meets({ call, path }, isFirst);
  }

  function readsOf(path: string): void {
    const number = reads.get(path) ?? 0;
    reads.set(path, number + 1);
    const isFirst = fault?.readOf === path && fault.at === number;
    meets({ call: "read", path }, isFirst);
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
          if (name === "stream") {
            return target.stream().pipeThrough(
              new TransformStream({
                transform(bytes, controller) {
                  readsOf(path);
                  controller.enqueue(bytes);
                },
              }),
            );
          }
          return work();
        };
      },
    });
  }

  return {
    ...inner,
    calls,
    reads,
    failed,
    async open(path, options) {
      const { write, append, create, createNew } = options ?? {};
      if (write || append || create || createNew) writes("open", path);
      else readsOf(path);
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
