/**
 * WebGPU's errors are silent: the dispatch is dropped and old numbers stay. They are kept here, to
 * be thrown where results are asked for.
 */
import { formatBytes } from "../../src/base/units.ts";
import { DeviceFault, type DeviceFaultKind } from "./device_fault.ts";

/** What went wrong with a device. */
export interface Faults {
  /**
   * @throws {DeviceFault} if the machine failed, from then on always
   * @throws {Error} else the first error since the last call, by WebGPU's own words, in one line
   */
  throwFirst(): void;
  /** Notes that the machine failed; the first time alone counts. */
  fail(kind: DeviceFaultKind, found: string): void;
  /** Runs what allocates so many bytes of the device, and notes if there was no room for them. */
  allocating<T>(bytes: number, create: () => T): T;
  /** Calls `hear` as soon as the machine fails; the result ends that. */
  onFail(hear: () => void): () => void;
  /** From now on the loss of the device is no fault. */
  close(): void;
}

/**
 * Listens to a device's errors and to its loss.
 *
 * @param held the bytes that are allocated on it
 */
export function watchFaults(gpu: GPUDevice, held: () => number): Faults {
  let first: string | undefined;
  let fault: DeviceFault | undefined;
  let closed = false;
  const listeners = new Set<() => void>();
  function fail(kind: DeviceFaultKind, found: string): void {
    if (closed || fault) return;
    fault = new DeviceFault(kind, found);
    for (const hear of listeners) hear();
  }
  const noMemory = (asked: string, heldBytes: number, words: string) =>
    fail(
      "out of memory",
      `the device has no memory left: ${asked}${
        formatBytes(heldBytes)
      } are held (${inOneLine(words)})`,
    );
  gpu.addEventListener("uncapturederror", (event) => {
    event.preventDefault();
    const { error } = event as GPUUncapturedErrorEvent;
    if (isOutOfMemory(error)) noMemory("", held(), error.message);
    else first ??= error.message;
  });
  gpu.lost.then(({ message }) =>
    fail("lost", `the device was lost (${inOneLine(message)})`)
  );
  return {
    throwFirst() {
      if (fault) throw fault;
      if (first === undefined) return;
      const words = inOneLine(first);
      first = undefined;
      throw new Error(`Cannot run on the WebGPU device: ${words}`);
    },
    fail,
    allocating(bytes, create) {
      const heldBytes = held();
      const note = ({ message }: { readonly message: string }) =>
        noMemory(`${formatBytes(bytes)} more are needed, `, heldBytes, message);
      gpu.pushErrorScope("out-of-memory");
      try {
        return create();
      } catch (error) {
        if (!isOutOfMemory(error)) throw error;
        note(error as Error);
        throw fault ?? error;
      } finally {
        // a lost device may refuse; its loss is told elsewhere
        gpu.popErrorScope().then((error) => error && note(error), () => {});
      }
    },
    onFail(hear) {
      listeners.add(hear);
      return () => void listeners.delete(hear);
    },
    close() {
      closed = true;
    },
  };
}

function inOneLine(words: string): string {
  return words.replaceAll(/\s+/g, " ").trim();
}

/** Whether an error says so by its class or name; of what is thrown, a RangeError does. */
function isOutOfMemory(error: unknown): boolean {
  if (error instanceof GPUOutOfMemoryError || error instanceof RangeError) {
    return true;
  }
  return error instanceof Error && /out.?of.?memory/i.test(error.name);
}
