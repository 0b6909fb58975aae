/** How a device is opened, and what its scopes are: plain types. */
import type { Tensor } from "./tensor.ts";

/**
 * The kind of device that the kernels are written for: paths.ts says which of them run on which.
 */
export type DeviceKind = "cpu" | "gpu";

/**
 * Hears of calls that wait for the device, and may hold this thread as they do: a thread beside it
 * can then tell that one does not return.
 */
export interface DeviceWatch {
  /** A call begins that should take at most so many seconds; 0: no matter how many. */
  enter(limit: number): void;
  /** The call that began last is back. */
  leave(): void;
}

/** How to open a device. */
export interface DeviceOptions {
  /** The kind whose kernels are used; default: what the device is. */
  readonly kind?: DeviceKind;
  /** Most bytes that the device may hold; default: no bound. */
  readonly budgetBytes?: number;
  /** Most bytes of one binding; default: the GPU's limit. Weights above it are bound in windows. */
  readonly windowBytes?: number;
  /**
   * Most seconds that it may take for an answer, 0 is no bound; default: 20 times the slowest so
   * far, and at least half an hour on a GPU, two hours on a CPU.
   */
  readonly answerSeconds?: number | undefined;
  /** Told of calls that may hold this thread; default: nobody is. */
  readonly watch?: DeviceWatch | undefined;
}

/** What is allocated while a scope is open goes back to the pool when it is disposed. */
export interface Scope extends Disposable {
  /**
   * Hands a tensor or texture to the scope around this one; to nobody if there is none. What this
   * scope does not own stays where it is. Returns it.
   */
  keep<T extends Tensor | GPUTexture>(resource: T): T;
}
