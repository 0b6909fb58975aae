/**
 * Root-mean-square normalisation of rows, forward and backward. Rows are tokens, or tokens times
 * heads where queries and keys are normalised per head. Source: https://arxiv.org/abs/1910.07467.
 */
import type { Device } from "../device/device.ts";
import { foldedGrid } from "../device/grid.ts";
import { defineKernel } from "../device/kernel.ts";
import { FEW_ROWS, PATHS } from "../device/paths.ts";
import { lanesOf } from "../device/lanes.ts";
import type { PipelineOptions } from "../device/pipelines.ts";
import type { Grid } from "../device/recorder.ts";
import { singleKernel } from "../device/shader.ts";
import { expectShape, matrixShape, type Tensor } from "../device/tensor.ts";
import { BLOCK_ROWS, columnSums } from "../launch/column_sums.ts";
import { elementWidth, GROUP_SIZE } from "../launch/element_launch.ts";
import { allocateWithFlat } from "../launch/flat_texture.ts";
import { LANE_PIECES } from "../launch/lane_pieces.ts";
import text from "./rms_norm.wgsl" with { type: "text" };
import backwardText from "./rms_norm_backward.wgsl" with { type: "text" };
import fewText from "./rms_norm_cpu.wgsl" with { type: "text" };
import weightText from "./rms_norm_weight_gradient.wgsl" with { type: "text" };
import rowSum from "./pieces/row_sum.wgsl" with { type: "text" };

const PIECES = { ...LANE_PIECES, "row_sum.wgsl": rowSum };

/** `y` and `rstd`. */
export const rmsNormShader = singleKernel({
  name: "rms_norm.wgsl",
  text,
  pieces: PIECES,
});

/** `dx`. */
export const rmsNormBackwardShader = singleKernel({
  name: "rms_norm_backward.wgsl",
  text: backwardText,
  pieces: PIECES,
});

const fewKernel = defineKernel("rms_norm_cpu", fewText);
const weightKernel = defineKernel("rms_norm_weight_gradient", weightText);

/**
 * Normalises each row of `x [rows, cols]` and multiplies it by `offset + weight`, `weight [cols]`.
 *
 * @param options.offset 1 for families whose stored weight is the difference from one; default 0
 * @returns `y [rows, cols]`, and `rstd [rows]` for the backward
 * @throws {TypeError} if the shapes do not fit
 */
export function rmsNorm(
  device: Device,
  x: Tensor,
  weight: Tensor,
  { eps, offset = 0 }: { eps: number; offset?: number },
): { y: Tensor; rstd: Tensor } {
  const [rows, cols] = matrixShape(x);
  expectShape("weight", weight, [cols]);
  const rstd = device.allocate([rows]);
  if (PATHS.rmsNorm(device, { rows, cols }) === "rms_norm_cpu") {
    const y = allocateWithFlat(device, x.shape);
    const { flat: flat_y } = y;
    const params = { words: cols / 4, eps, offset };
    const constants = { LANES: lanesOf(device) };
    const bindings = { x, weight, y, rstd, flat_y };
    device.launch(fewKernel, bindings, params, [rows], { constants });
    return { y, rstd };
  }
  const y = device.allocate(x.shape);
  if (rows > 0 && cols > 0) {
    const { width, grid, options } = rowLaunch(device, rows, cols);
    const params = { rows, cols: cols / width, eps, offset };
    const bindings = { x, weight, y, rstd };
    const kernel = rmsNormShader.kernel({});
    device.launch(kernel, bindings, params, grid, options);
  }
  return { y, rstd };
}

/**
 * Gradients of `rmsNorm()` for the slopes `dy [rows, cols]` of its `y`.
 *
 * @param saved its inputs, and the `rstd` it returned
 * @param options.into tensor of `x`'s shape that `dx` is added to and that is returned; not `dy`
 * itself
 * @returns `dx` of `x`'s shape, and `dWeight [cols]` if asked for, summed in a fixed order
 * @throws {TypeError} if the shapes do not fit
 */
export function rmsNormBackward(
  device: Device,
  { x, weight, rstd }: { x: Tensor; weight: Tensor; rstd: Tensor },
  dy: Tensor,
  { offset = 0, weightGradient, into }: {
    offset?: number;
    weightGradient: boolean;
    into?: Tensor;
  },
): { dx: Tensor; dWeight?: Tensor } {
  const [rows, cols] = matrixShape(x);
  expectShape("weight", weight, [cols]);
  expectShape("rstd", rstd, [rows]);
  expectShape("dy", dy, x.shape);
  if (into) expectShape("into", into, x.shape);
  const dx = into ?? device.allocate(x.shape);
  if (rows > 0 && cols > 0) {
    const { width, grid, options } = rowLaunch(device, rows, cols);
    const accumulate = Number(into !== undefined);
    const params = { rows, cols: cols / width, offset, accumulate };
    const bindings = { x, weight, rstd, dy, dx };
    const kernel = rmsNormBackwardShader.kernel({});
    device.launch(kernel, bindings, params, grid, options);
  }
  if (!weightGradient) return { dx };
  return { dx, dWeight: weightSlopes(device, x, rstd, dy) };
}

function weightSlopes(
  device: Device,
  x: Tensor,
  rstd: Tensor,
  dy: Tensor,
): Tensor {
  const [rows, cols] = matrixShape(x);
  if (rows === 0 || cols === 0) return device.zeros([cols]);
  const { width, options } = elementWidth(cols);
  const blocks = Math.ceil(rows / BLOCK_ROWS);
  const y = device.allocate([blocks, cols]);
  const params = { rows, cols: cols / width, block_rows: BLOCK_ROWS, blocks };
  const grid = foldedGrid(Math.ceil(blocks * cols / width / GROUP_SIZE));
  device.launch(weightKernel, { x, rstd, dy, y }, params, grid, options);
  const dWeight = columnSums(device, y);
  device.release(y);
  return dWeight;
}

/**
 * One invocation per row on CPUs, whose barriers and workgroup memory are slow, and eight for a few
 * rows, which would leave lanes of a vector without work; on GPUs up to 64, as many as a row has
 * work for. Storage textures were not clearly faster here (1.5 against 1.8 ms at 512 x 896).
 */
function rowLaunch(
  device: Device,
  rows: number,
  cols: number,
): { width: 1 | 4; grid: Grid; options: PipelineOptions } {
  const { width, options: { aliases } } = elementWidth(cols);
  const WORKGROUP_SIZE = device.kind === "cpu" ? 8 : 64;
  const LANES = device.kind === "cpu"
    ? rows <= FEW_ROWS ? 8 : 1
    : Math.min(64, 2 ** Math.ceil(Math.log2(cols / width)));
  const constants = { WIDTH: width, WORKGROUP_SIZE, LANES };
  const grid = foldedGrid(Math.ceil(rows * LANES / WORKGROUP_SIZE));
  return { width, grid, options: { constants, aliases } };
}
