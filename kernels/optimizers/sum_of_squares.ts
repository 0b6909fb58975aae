/**
 * The sum of squares of many tensors, for the norm of a gradient: sums of blocks on the device, in
 * a fixed order. NaN and infinity show in the total.
 */
import type { Device } from "../device/device.ts";
import { elementWidth } from "../launch/element_launch.ts";
import { foldedGrid } from "../device/grid.ts";
import { singleKernel } from "../device/shader.ts";
import { elementWindows, windowView } from "../launch/launch_windows.ts";
import { LANE_PIECES } from "../launch/lane_pieces.ts";
import text from "./sum_of_squares.wgsl" with { type: "text" };
import { elements, type Tensor } from "../device/tensor.ts";

/** The sum of each block. */
export const sumOfSquaresShader = singleKernel({
  name: "sum_of_squares.wgsl",
  text,
  pieces: LANE_PIECES,
});

/** Elements of a block: 500 million of them make 30,518 sums. */
const BLOCK = 16_384;

/**
 * Sums the squares of each block of each tensor.
 *
 * @param tensors f32, of any shapes
 * @returns `[blocks]` f32, owned by the innermost scope; `[1]` of zero if there are no elements.
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
      const { width, options: { aliases } } = elementWidth(window.count);
      device.launch(
        sumOfSquaresShader.kernel({}),
        { x: windowView(x, window), partials },
        { count: window.count / width, first_block: first },
        foldedGrid(groups),
        { constants: { WIDTH: width, BLOCK: BLOCK / width }, aliases },
      );
      first += groups;
    }
  }
  return partials;
}
