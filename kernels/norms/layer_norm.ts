/**
 * Layer normalisation of rows, with a weight and perhaps a bias, forward and backward. Rows are
 * tokens, or tokens times heads whose weights may differ. Source: https://arxiv.org/abs/1607.06450,
 * Eq. 4.
 */
import type { Device } from "../device/device.ts";
import { foldedGrid } from "../device/grid.ts";
import { singleKernel } from "../device/shader.ts";
import {
  elements,
  expectShape,
  matrixShape,
  type Tensor,
} from "../device/tensor.ts";
import { columnSums } from "../launch/column_sums.ts";
import text from "./layer_norm.wgsl" with { type: "text" };
import backwardText from "./layer_norm_backward.wgsl" with { type: "text" };
import rowSum from "../rows/pieces/row_sum.wgsl" with { type: "text" };

const PIECES = { "row_sum.wgsl": rowSum };

/** `y` and `stats`. */
export const layerNormShader = singleKernel({
  name: "layer_norm.wgsl",
  text,
  pieces: PIECES,
});

/** `dx`, and what each number adds to the slopes of the weight. */
export const layerNormBackwardShader = singleKernel({
  name: "layer_norm_backward.wgsl",
  text: backwardText,
  pieces: PIECES,
});

/** The inputs of a layer norm beside its rows. */
export interface LayerNormParts {
  /** `[cols]`, or `[groups * cols]`: row r has the weight of group `r % groups`. */
  readonly weight: Tensor;
  /** Of the weight's size; undefined: none is added. */
  readonly bias?: Tensor | undefined;
}

/**
 * Normalises each row of `x [rows, cols]` to mean 0 and variance 1, and multiplies it by its
 * weight.
 *
 * @returns `y [rows, cols]`, and `stats [rows, 2]` (mean and 1 / deviation) for the backward
 * @throws {TypeError} if the sizes do not fit
 */
export function layerNorm(
  device: Device,
  x: Tensor,
  { weight, bias, eps }: LayerNormParts & { readonly eps: number },
): { y: Tensor; stats: Tensor } {
  const [rows, cols] = matrixShape(x);
  const groups = groupsOf(weight, rows, cols);
  if (bias) expectShape("bias", flat(bias), [groups * cols]);
  const y = device.allocate(x.shape);
  const stats = device.allocate([rows, 2]);
  if (rows === 0) return { y, stats };
  const { grid, constants } = rowLaunch(device, rows, cols);
  device.launch(
    layerNormShader.kernel({}),
    { x, weight, bias: bias ?? weight, y, stats },
    { rows, cols, groups, eps },
    grid,
    { constants: { ...constants, HAS_BIAS: Number(bias !== undefined) } },
  );
  return { y, stats };
}

/**
 * Gradients of `layerNorm()` for the slopes `dy [rows, cols]` of its `y`.
 *
 * @param saved its inputs, and the `stats` it returned
 * @param options.into tensor of `x`'s shape that `dx` is added to and that is returned; not `dy`
 * @returns `dx` of `x`'s shape; `dWeight` and `dBias`, `[groups * cols]`, if asked for, summed in a
 *   fixed order
 * @throws {TypeError} if the sizes do not fit
 */
export function layerNormBackward(
  device: Device,
  { x, weight, stats }: {
    readonly x: Tensor;
    readonly weight: Tensor;
    readonly stats: Tensor;
  },
  dy: Tensor,
  { weightGradient = false, biasGradient = false, into }: {
    readonly weightGradient?: boolean;
    readonly biasGradient?: boolean;
    readonly into?: Tensor | undefined;
  } = {},
): { dx: Tensor; dWeight?: Tensor; dBias?: Tensor } {
  const [rows, cols] = matrixShape(x);
  const groups = groupsOf(weight, rows, cols);
  expectShape("stats", stats, [rows, 2]);
  expectShape("dy", dy, x.shape);
  if (into) expectShape("into", into, x.shape);
  const dx = into ?? device.allocate(x.shape);
  const slopes = weightGradient ? device.allocate(x.shape) : undefined;
  if (rows > 0) {
    const { grid, constants } = rowLaunch(device, rows, cols);
    const unused = slopes ?? device.allocate([1]);
    device.launch(
      layerNormBackwardShader.kernel({}),
      { x, weight, stats, dy, dx, slopes: unused },
      { rows, cols, groups },
      grid,
      {
        constants: {
          ...constants,
          ACCUMULATE: Number(into !== undefined),
          HAS_SLOPES: Number(weightGradient),
        },
      },
    );
    if (!slopes) device.release(unused);
  }
  const shape = [rows / groups, groups * cols];
  const sums = (of: Tensor) => columnSums(device, { ...of, shape });
  const dWeight = slopes && sums(slopes);
  if (slopes) device.release(slopes);
  return {
    dx,
    ...(dWeight && { dWeight }),
    ...(biasGradient && { dBias: sums(dy) }),
  };
}

const flat = (tensor: Tensor): Tensor => ({
  ...tensor,
  shape: [elements(tensor.shape)],
});

/** How many weights take turns over the rows. */
function groupsOf(weight: Tensor, rows: number, cols: number): number {
  const groups = Math.max(1, Math.round(elements(weight.shape) / cols));
  expectShape("weight", flat(weight), [groups * cols]);
  if (rows % groups === 0) return groups;
  throw new TypeError(
    `Cannot normalise rows: ${rows} rows, expected a multiple of the weight's ${groups} groups`,
  );
}

/** As many invocations for a row as it has work for; few on CPUs, whose barriers are slow. */
function rowLaunch(device: Device, rows: number, cols: number) {
  const WORKGROUP_SIZE = device.kind === "cpu" ? 8 : 64;
  const most = 2 ** Math.ceil(Math.log2(cols));
  const LANES = Math.min(WORKGROUP_SIZE, most);
  const grid = foldedGrid(Math.ceil(rows * LANES / WORKGROUP_SIZE));
  return { grid, constants: { WORKGROUP_SIZE, LANES } };
}
