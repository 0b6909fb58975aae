/**
 * What a kernel's names are bound to, and how many groups it may have. Knows no pass and no
 * pipeline.
 */
import type { Kernel } from "./kernel.ts";
import type { Bound, Grid } from "./recorder.ts";
import { type Tensor, tensorBytes } from "./tensor.ts";

/**
 * The resources of a launch in the order of the kernel's bindings.
 *
 * @param window most bytes of one binding
 * @throws {TypeError} if a binding is missing
 */
export function boundOf(
  kernel: Kernel,
  bindings: Readonly<Record<string, Tensor | GPUTexture>>,
  window: number,
): Bound[] {
  return kernel.bindings.map(({ name }) => {
    const given = bindings[name];
    if (given) return bound(given, window);
    throw new TypeError(
      `Cannot launch kernel "${kernel.name}": binding "${name}" is missing`,
    );
  });
}

/** Whole buffers where they fit in a binding, so that tensors of any length share bind groups. */
function bound(given: Tensor | GPUTexture, window: number): Bound {
  if (given instanceof GPUTexture) return { resource: given };
  const { buffer, byteOffset } = given;
  if (byteOffset === undefined && buffer.size <= window) {
    return { resource: buffer };
  }
  const size = tensorBytes(given.shape, given.dtype);
  return { resource: buffer, offset: byteOffset ?? 0, size };
}

/**
 * @throws {RangeError} if a grid is beyond the device's limit, which drops the dispatch without a
 * word
 */
export function checkGrid(kernel: Kernel, grid: Grid, most: number): void {
  if (grid.every((groups) => groups! >= 1 && groups! <= most)) return;
  throw new RangeError(
    `Cannot launch kernel "${kernel.name}": grid [${grid}], expected 1 to ${most} groups in each dimension`,
  );
}
