/**
 * How many lanes a vector register of a CPU has that plays a GPU: the size of a workgroup whose
 * invocations keep a tile in registers. Read from the device's name, where llvmpipe says how wide
 * its vectors are; GPUs are not asked.
 */

/** Invocations that run as one vector. */
export type Lanes = 8 | 16;

/**
 * Lanes of a device by its description, such as "llvmpipe (LLVM 15.0.6, 512 bits)"; 8 where it does
 * not say.
 */
export function lanesOf(device: { readonly description: string }): Lanes {
  return device.description.includes("512 bits") ? 16 : 8;
}
