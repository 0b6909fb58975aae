/**
 * What a machine can do to a computation: its device is lost, has no memory left, or does not
 * answer. Other errors of WebGPU are faults of a program and no `DeviceFault`.
 */

/** What happened to the device. */
export type DeviceFaultKind = "lost" | "out of memory" | "no answer";

const ADVICE: Readonly<Record<DeviceFaultKind, string>> = {
  "lost": "start the task again; if it comes again, look at the driver's log",
  "out of memory":
    "end what else uses the device, or take smaller batches, shorter texts or load_in_4bit",
  "no answer": "start the task again; if it comes again, restart the machine",
};

/** A fault of the machine. What the device held is gone: nothing more is read from it. */
export class DeviceFault extends Error {
  override name = "DeviceFault";

  /** Makes one in plain words. */
  constructor(
    readonly kind: DeviceFaultKind,
    /** What happened, as a sentence without its end: `the device was lost (...)`. */
    readonly found: string,
  ) {
    super(`Cannot compute on the device: ${found}; ${ADVICE[kind]}`);
  }
}
