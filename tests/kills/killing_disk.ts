/**
 * A disk that counts its calls, reading ones too, and calls `kill` at one of them: before it, after
 * it, or where it is a write also between its two halves.
 */
import type { Disk } from "../../src/files/disk.ts";

/** When the process ends. */
export interface KillMoment {
  /** Number of the call, from 1; null if none is the last. */
  readonly at: number | null;
  /** `half` is before a call that is no write. */
  readonly when: "before" | "half" | "after";
}

/** Makes a disk of another; `onCall` hears the number of each call. */
export function killingDisk(
  inner: Disk,
  { at, when }: KillMoment,
  { kill, onCall }: {
    readonly kill: () => void;
    readonly onCall?: (count: number) => void;
  },
): Disk {
  let count = 0;

  function counted<T extends object>(owner: T): T {
    return new Proxy(owner, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        const work = (given: unknown[]) => Reflect.apply(value, target, given);
        if (name === Symbol.dispose) return () => work([]);
        return (...given: unknown[]) => {
          count++;
          onCall?.(count);
          if (count !== at) return filesOf(work(given));
          if (when === "half" && name === "write") {
            const [bytes] = given as [Uint8Array];
            return endAfter(work([bytes.subarray(0, bytes.length >> 1)]));
          }
          if (when !== "after") kill();
          return endAfter(work(given));
        };
      },
    });
  }

  /** Calls of an opened file count too. */
  function filesOf(result: unknown): unknown {
    if (!(result instanceof Promise)) return result;
    return result.then((value) =>
      typeof value === "object" && value !== null && "readAt" in value
        ? counted(value)
        : value
    );
  }

  /** A list of a folder is no promise: it ends before its first entry. */
  function endAfter(result: unknown): unknown {
    if (result instanceof Promise) return result.finally(kill);
    kill();
    return result;
  }

  return counted(inner);
}
