/**
 * Rotary position embedding of queries or keys; with `inverse` it is its own backward. Knows
 * nothing of how the angles are scaled: they come as a table.
 * Source: https://arxiv.org/abs/2104.09864, Eq. 34.
 */
import type { Device } from "../device/device.ts";
import { elementWidth, GROUP_SIZE } from "../launch/element_launch.ts";
import { foldedGrid } from "../device/grid.ts";
import { defineKernel } from "../device/kernel.ts";
import source from "./rope.wgsl" with { type: "text" };
import { expectShape, type Tensor } from "../device/tensor.ts";

const kernel = defineKernel("rope", source);

/** How heads lie in a row, and which of their dims turn. */
export interface RopeOptions {
  readonly heads: number;
  readonly headDim: number;
  /** Dims of each head, from its first, that turn: even; the others are copied. Default: all. */
  readonly rotaryDim?: number;
  /** Pairs are neighbours (2j, 2j + 1); default false: pairs are (j, j + rotaryDim / 2). */
  readonly interleaved?: boolean;
  /** Turns back: the gradient of the rotation. */
  readonly inverse?: boolean;
}

/**
 * Turns each head of `x [tokens, heads * headDim]` by the angles of its token's position.
 *
 * @param cosSin `[positions, rotaryDim]` f32, per position the cosines of the rotaryDim / 2 angles,
 * then their sines
 * @param positions `[tokens]` u32, rows of `cosSin`
 * @throws {TypeError} if the shapes do not fit
 * @throws {RangeError} if `rotaryDim` is odd or above `headDim`
 */
export function rope(
  device: Device,
  x: Tensor,
  cosSin: Tensor,
  positions: Tensor,
  options: RopeOptions,
): Tensor {
  const { heads, headDim, rotaryDim = headDim } = options;
  const { interleaved = false, inverse = false } = options;
  const tokens = positions.shape[0] ?? 0;
  expectShape("x", x, [tokens, heads * headDim]);
  expectShape("positions", positions, [tokens]);
  expectShape("cosSin", cosSin, [cosSin.shape[0] ?? 0, rotaryDim]);
  if (rotaryDim % 2 !== 0 || rotaryDim > headDim) {
    throw new RangeError(
      `Cannot rotate ${rotaryDim} of ${headDim} dims: expected an even number up to ${headDim}`,
    );
  }
  const y = device.allocate(x.shape);
  const half = rotaryDim / 2;
  const { width, options: wide } = elementWidth(
    interleaved || headDim % 4 !== 0 ? 1 : half,
  );
  const count = tokens * heads * (headDim - half) / width;
  if (count === 0) return y;
  const params = {
    tokens,
    heads,
    head_dim: headDim / width,
    half: half / width,
    interleaved: Number(interleaved),
    direction: inverse ? -1 : 1,
  };
  const bindings = { x, cos_sin: cosSin, positions, y };
  const grid = foldedGrid(Math.ceil(count / GROUP_SIZE));
  device.launch(kernel, bindings, params, grid, wide);
  return y;
}
