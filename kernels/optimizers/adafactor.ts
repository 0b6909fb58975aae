/**
 * One step of Adafactor on one tensor, in place, at a given learning rate and without momentum:
 * transformers' with `scale_parameter` and `relative_step` off. A matrix's second moment is kept as
 * means of its rows and columns.
 * Source: https://arxiv.org/abs/1804.04235, Algorithms 4 and 5. A vector is a matrix of one row,
 * for which they agree.
 */
import type { Device } from "../device/device.ts";
import { foldedGrid } from "../device/grid.ts";
import { defineKernel } from "../device/kernel.ts";
import { singleKernel } from "../device/shader.ts";
import { expectShape, matrixShape, type Tensor } from "../device/tensor.ts";
import { columnSums } from "../launch/column_sums.ts";
import { elementWidth, GROUP_SIZE } from "../launch/element_launch.ts";
import { LANE_PIECES } from "../launch/lane_pieces.ts";
import { type RowSlice, rowSlices, sliceRows } from "../launch/row_slices.ts";
import applyText from "./adafactor_apply.wgsl" with { type: "text" };
import momentText from "./adafactor_moment.wgsl" with { type: "text" };
import rowText from "./adafactor_row_squares.wgsl" with { type: "text" };
import scaleText from "./adafactor_scale.wgsl" with { type: "text" };
import {
  launchUpdate,
  type Trained,
  type UpdateStep,
} from "./update_launch.ts";

const momentKernel = defineKernel("adafactor_moment", momentText);
const applyKernel = defineKernel("adafactor_apply", applyText);

/** Sums of squares of rows. */
export const rowSquaresShader = singleKernel({
  name: "adafactor_row_squares.wgsl",
  text: rowText,
  pieces: LANE_PIECES,
});

/** The factor of the update. */
export const updateScaleShader = singleKernel({
  name: "adafactor_scale.wgsl",
  text: scaleText,
  pieces: LANE_PIECES,
});

/** Added to squares. */
const EPS = 1e-30;

/** A trained tensor `[rows, cols]` or `[cols]` with its gradient and moments, all f32. */
export interface AdafactorTensors extends Trained {
  /** Running mean of each row's squares, `[rows]`; zeros before the first step. */
  readonly row: Tensor;
  /** Running mean of each column's squares, `[cols]`. */
  readonly col: Tensor;
}

/** Numbers of one Adafactor step. */
export interface AdafactorStep extends UpdateStep {
  /** Largest root mean square of an update before the learning rate, usually 1. */
  readonly clipThreshold: number;
  /** The means decay by `1 - step^decayRate`, usually -0.8. */
  readonly decayRate: number;
  /** Decoupled: the weight shrinks by `learningRate * weightDecay`. */
  readonly weightDecay: number;
  /** Number of this step, from 1. */
  readonly step: number;
}

/**
 * Updates `weight`, `row` and `col` in place.
 *
 * @throws {TypeError} if a shape does not fit
 * @throws {RangeError} if `step` is below 1
 */
export function adafactor(
  device: Device,
  { weight, gradient, row, col }: AdafactorTensors,
  options: AdafactorStep,
): void {
  const { learningRate, clipThreshold, decayRate, step, clip } = options;
  if (!(step >= 1)) {
    throw new RangeError(
      `Cannot take an Adafactor step: step is ${step}, expected 1 or more`,
    );
  }
  const [rows, cols] = matrixShape(weight);
  expectShape("gradient", gradient, weight.shape);
  expectShape("row", row, [rows]);
  expectShape("col", col, [cols]);
  using _scope = device.scope();
  const beta2 = 1 - step ** decayRate;
  const decay = { beta2, one_less_beta2: 1 - beta2, eps: EPS };
  const sums = device.allocate([rows]);
  sumRows(device, gradient, { col, sums, weighted: false });
  launchUpdate(device, momentKernel, { v: row, sums }, clip, {
    ...decay,
    n: cols,
  });
  const colSums = sumColumns(device, gradient);
  launchUpdate(device, momentKernel, { v: col, sums: colSums }, clip, {
    ...decay,
    n: rows,
  });
  sumRows(device, gradient, { col, sums, weighted: true });
  const scale = device.allocate([1]);
  device.launch(
    updateScaleShader.kernel({}),
    { row, sums, clip, scale },
    {
      rows,
      cols,
      learning_rate: learningRate,
      clip_threshold: clipThreshold,
    },
    [1],
  );
  const shrink = 1 - learningRate * options.weightDecay;
  const tensors = { weight, gradient, row, col };
  applyUpdate(device, tensors, { scale, clip, decay: shrink });
}

/** Writes the sum of squares of each row of `x`, `[rows]`, divided by `col` if `weighted`. */
function sumRows(
  device: Device,
  x: Tensor,
  { col, sums, weighted }: { col: Tensor; sums: Tensor; weighted: boolean },
): void {
  const [rows, cols] = matrixShape(x);
  const { width, options: { aliases } } = elementWidth(cols);
  for (const slice of rowSlices(device, rows, cols)) {
    const part = { x: rowsOf(x, slice), col, sums: sliceRows(sums, slice) };
    device.launch(
      rowSquaresShader.kernel({}),
      part,
      {
        rows: slice.count,
        cols: cols / width,
        weighted: Number(weighted),
      },
      foldedGrid(slice.count),
      { aliases, constants: { WIDTH: width } },
    );
  }
}

/** The sum of squares of each column of `x`, `[cols]`. */
function sumColumns(device: Device, x: Tensor): Tensor {
  const [rows, cols] = matrixShape(x);
  const into = device.zeros([cols]);
  for (const slice of rowSlices(device, rows, cols)) {
    columnSums(device, rowsOf(x, slice), { into, squares: true });
  }
  return into;
}

function applyUpdate(
  device: Device,
  { weight, gradient, row, col }: AdafactorTensors,
  { scale, clip, decay }: { scale: Tensor; clip: Tensor; decay: number },
): void {
  const [rows, cols] = matrixShape(weight);
  const { width, options } = elementWidth(cols);
  for (const slice of rowSlices(device, rows, cols)) {
    const count = slice.count * cols / width;
    const bindings = {
      weight: rowsOf(weight, slice),
      gradient: rowsOf(gradient, slice),
      row: sliceRows(row, slice),
      col,
      scale,
      clip,
    };
    const params = { count, cols: cols / width, decay };
    const grid = foldedGrid(Math.ceil(count / GROUP_SIZE));
    device.launch(applyKernel, bindings, params, grid, options);
  }
}

/** A vector is one row, which no slice cuts. */
function rowsOf(x: Tensor, slice: RowSlice): Tensor {
  return x.shape.length === 1 ? x : sliceRows(x, slice);
}
