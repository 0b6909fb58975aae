/**
 * Dropout whose mask is a hash of seed, stream and place: nothing is stored, the backward is the
 * same call on the slopes, and a resumed run draws the same masks.
 * Source: https://jmlr.org/papers/v15/srivastava14a.html.
 */
import type { Device } from "../device/device.ts";
import source from "./dropout.wgsl" with { type: "text" };
import { GROUP_SIZE } from "../launch/element_launch.ts";
import { foldedGrid } from "../device/grid.ts";
import { singleKernel } from "../device/shader.ts";
import { elements, type Tensor } from "../device/tensor.ts";
import {
  RANDOM_PIECES,
  type RandomStream,
  streamParams,
} from "./random_stream.ts";

/** The kernel. */
export const dropoutShader = singleKernel({
  name: "dropout.wgsl",
  text: source,
  pieces: RANDOM_PIECES,
});

/** Which elements are dropped. */
export interface DropoutOptions extends RandomStream {
  /** Share of elements set to zero, 0 to below 1. */
  readonly rate: number;
}

/**
 * `x` with elements dropped and the others divided by `1 - rate`, a new tensor. With the same
 * options, the same elements are dropped.
 *
 * @throws {RangeError} if an option is out of its range
 */
export function dropout(
  device: Device,
  x: Tensor,
  { rate, seed, stream }: DropoutOptions,
): Tensor {
  if (!(rate >= 0 && rate < 1)) {
    throw new RangeError(
      `Cannot drop elements: rate ${rate}, expected 0 to below 1`,
    );
  }
  const draws = streamParams("drop elements", { seed, stream });
  const y = device.allocate(x.shape);
  const count = Math.ceil(elements(x.shape) / 4);
  if (count === 0) return y;
  const params = {
    ...draws,
    count,
    threshold: Math.floor(rate * 2 ** 32),
    factor: 1 / (1 - rate),
  };
  // buffers are multiples of 256 bytes, so that the last four numbers are there
  const whole = { ...x, shape: [count * 4] };
  const grid = foldedGrid(Math.ceil(count / GROUP_SIZE));
  device.launch(dropoutShader.kernel({}), { x: whole, y }, params, grid, {
    constants: { WORKGROUP_SIZE: GROUP_SIZE },
  });
  return y;
}
