/**
 * The sum of squares of many tensors, for the norm of a gradient: sums of blocks on the device, in a fixed order,
 * and the rest in float64 on the CPU. One read serves all tensors. NaN and infinity show in the total.
 */
import type { Device } from "./device.ts";
import { foldedGrid } from "./grid.ts";
import { defineKernel } from "./kernel.ts";
import { elementWindows, windowView } from "./launch_windows.ts";
import source from "./sum_of_squares.wgsl" with { type: "text" };
import { elements, type Tensor } from "./tensor.ts";

const kernel = defineKernel("sum_of_squares", source);

/** Elements of a block: 500 million of them make 30,518 sums. The kernel's `override BLOCK` says the same. */
const BLOCK = 16_384;

/**
 * Sums the squares of each block of each tensor.
 *
 * @param tensors f32, of any shapes
 * @returns `[blocks]` f32, owned by the innermost scope; `[1]` of zero if there are no elements. Read it once and hand it to `totalOfBlocks()`
 */
export function sumOfSquares(
  device: Device,
  tensors: readonly Tensor[],
): Tensor {
  const counts = tensors.map(({ shape }) => elements(shape));
  const blocks = counts.reduce((sum, n) => sum + Math.ceil(n / BLOCK), 0);
  if (blocks === 0) return device.zeros([1]);
  const partials = device.allocate([blocks]);
  let first = 0;
  for (const [i, x] of tensors.entries()) {
    for (const window of elementWindows(device, counts[i]!, BLOCK)) {
      const groups = Math.ceil(window.count / BLOCK);
      device.launch(
        kernel,
        { x: windowView(x, window), partials },
        { count: window.count, first_block: first },
        foldedGrid(groups),
      );
      first += groups;
    }
  }
  return partials;
}

/** The total of the sums that `sumOfSquares()` left on the device, in float64. */
export function totalOfBlocks(partials: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < partials.length; i++) total += partials[i]!;
  return total;
}
