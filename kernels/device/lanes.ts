/**
 * How many lanes a vector register of a CPU adapter has: the size of a workgroup whose invocations keep a tile in
 * registers. Read from the adapter's name, where llvmpipe says how wide its vectors are; GPUs are not asked.
 */

/** Invocations that run as one vector. */
export type Lanes = 8 | 16;

/** Lanes of an adapter by its description, such as "llvmpipe (LLVM 15.0.6, 512 bits)"; 8 where it does not say. */
export function lanesOf(adapter: { readonly description: string }): Lanes {
  return adapter.description.includes("512 bits") ? 16 : 8;
}
