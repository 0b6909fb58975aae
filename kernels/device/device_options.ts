/** How a device is opened, and what its scopes are: plain types. */
import type { Tensor } from "./tensor.ts";

/**
 * The kind of device that the kernels are written for: paths.ts says which of them run on which.
 */
export type DeviceKind = "cpu" | "gpu";

/** How to open a device. */
export interface DeviceOptions {
  /** The kind whose kernels are used; default: what the device is. */
  readonly kind?: DeviceKind;
  /** Most bytes that the device may hold; default: no bound. */
  readonly budgetBytes?: number;
  /** Most bytes of one binding; default: the GPU's limit. Weights above it are bound in windows. */
  readonly windowBytes?: number;
}

/** What is allocated while a scope is open goes back to the pool when it is disposed. */
export interface Scope extends Disposable {
  /**
   * Hands a tensor or texture to the scope around this one; to nobody if there is none. What this
   * scope does not own stays where it is. Returns it.
   */
  keep<T extends Tensor | GPUTexture>(resource: T): T;
}
