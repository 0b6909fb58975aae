/**
 * WebGPU's errors are silent: the dispatch is dropped and old numbers stay. The first one is kept
 * here, to be thrown where results are asked for.
 */

/** What went wrong since it was last asked. */
export interface Faults {
  /** @throws {Error} the first error since the last call, by WebGPU's own words, in one line */
  throwFirst(): void;
  /** From now on the loss of the device is no fault. */
  close(): void;
}

/** Listens to a device's errors and to its loss. */
export function watchFaults(gpu: GPUDevice): Faults {
  let first: string | undefined;
  let closed = false;
  gpu.addEventListener("uncapturederror", (event) => {
    event.preventDefault();
    first ??= (event as GPUUncapturedErrorEvent).error.message;
  });
  gpu.lost.then(({ message }) => {
    if (!closed) first ??= `the device was lost: ${message}`;
  });
  return {
    throwFirst() {
      if (first === undefined) return;
      const fault = first.replaceAll(/\s+/g, " ").trim();
      first = undefined;
      throw new Error(`Cannot run on the WebGPU device: ${fault}`);
    },
    close() {
      closed = true;
    },
  };
}
