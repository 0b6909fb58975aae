/**
 * Dropout whose mask is a hash of seed, stream and place: nothing is stored, the backward is the
 * same call on the slopes, and a resumed run draws the same masks.
 * Source: https://jmlr.org/papers/v15/srivastava14a.html.
 */
import type { Device } from "../device/device.ts";
import source from "./dropout.wgsl" with { type: "text" };
import { GROUP_SIZE } from "../launch/element_launch.ts";
import { foldedGrid } from "../device/grid.ts";
import { defineKernel } from "../device/kernel.ts";
import { elements, type Tensor } from "../device/tensor.ts";

const kernel = defineKernel("dropout", source);

/** Which elements are dropped. */
export interface DropoutOptions {
  /** Share of elements set to zero, 0 to below 1. */
  readonly rate: number;
  /** Integer; one per run. */
  readonly seed: number;
  /** Integer from 0 to 2^32 - 1: another mask for each; one per place and step. */
  readonly stream: number;
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
  if (!Number.isSafeInteger(seed) || stream >>> 0 !== stream) {
    throw new RangeError(
      `Cannot drop elements: seed ${seed} and stream ${stream}, ` +
        "expected integers, the stream from 0 to 2^32 - 1",
    );
  }
  const y = device.allocate(x.shape);
  const count = Math.ceil(elements(x.shape) / 4);
  if (count === 0) return y;
  const params = {
    count,
    stream,
    seed_low: seed >>> 0,
    seed_high: Math.floor(seed / 2 ** 32) >>> 0,
    threshold: Math.floor(rate * 2 ** 32),
    factor: 1 / (1 - rate),
  };
  // buffers are multiples of 256 bytes, so that the last four numbers are there
  const whole = { ...x, shape: [count * 4] };
  const grid = foldedGrid(Math.ceil(count / GROUP_SIZE));
  device.launch(kernel, { x: whole, y }, params, grid, {
    constants: { WORKGROUP_SIZE: GROUP_SIZE },
  });
  return y;
}
