/**
 * Norms of the rows of a weight with its LoRA adapter, `W + scale * B A`, from products that never
 * make that sum: no more than a few rows of a copy of W are ever held, and W may be of any type
 * that products read.
 *
 * Source: https://arxiv.org/abs/2402.09353, Eq. 5.
 */
import { isCodeDType } from "../matrix/codebooks.ts";
import type { Device } from "../device/device.ts";
import { pickRows } from "./embedding.ts";
import { foldedGrid } from "../device/grid.ts";
import { defineKernel } from "../device/kernel.ts";
import { linear, linearDxRows } from "./linear.ts";
import {
  createMatrix,
  type Matrix,
  packMatrix,
  releaseMatrix,
} from "../matrix/matrix.ts";
import squaresSource from "./row_squares.wgsl" with { type: "text" };
import { rowSlices } from "../launch/row_slices.ts";
import {
  expectShape,
  matrixShape,
  rowsView,
  type Tensor,
} from "../device/tensor.ts";
import normsSource from "./weight_norms.wgsl" with { type: "text" };

const squaresKernel = defineKernel("row_squares", squaresSource);
const normsKernel = defineKernel("weight_norms", normsSource);
const WORKGROUP_SIZE = 64;

/** Rows that are decoded at once; a multiple of 64, where a view may begin. */
const DECODED_ROWS = 1024;
/** Rows of codes that are decoded at once, by a product. */
const DECODED_CODES = 64;

/**
 * Rows of a weight as f32 tensors `[count, cols]`, a few at a time; each is given back after its
 * turn.
 */
export function* decodedRows(
  device: Device,
  w: Matrix,
): Generator<{ first: number; values: Tensor }> {
  const [{ count: fit } = { count: 0 }] = rowSlices(device, w.rows, w.cols);
  const codes = isCodeDType(w.dtype);
  const most = Math.min(codes ? DECODED_CODES : DECODED_ROWS, fit);
  for (let first = 0; first < w.rows; first += most) {
    const count = Math.min(most, w.rows - first);
    const values = codes
      ? multipliedRows(device, w, first, count)
      : pickedRows(device, w, first, count);
    yield { first, values };
    device.release(values);
  }
}

function pickedRows(
  device: Device,
  w: Matrix,
  first: number,
  count: number,
): Tensor {
  const rows = Uint32Array.from({ length: count }, (_, i) => first + i);
  const ids = device.upload(rows, [count], "u32");
  const values = pickRows(device, w, ids);
  device.release(ids);
  return values;
}

/** Rows of codes: only products read those, and that with the unit matrix is exact. */
function multipliedRows(
  device: Device,
  w: Matrix,
  first: number,
  count: number,
): Tensor {
  const numbers = new Float32Array(count * count);
  for (let i = 0; i < count; i++) numbers[i * count + i] = 1;
  const unit = device.upload(numbers, [count, count]);
  const values = device.zeros([count, w.cols]);
  linearDxRows(device, unit, w, first, values);
  device.release(unit);
  return values;
}

/** Sums of the squares of each row, `[rows]`; with `root` the norms. */
export function rowSquares(
  device: Device,
  w: Matrix,
  { root = false }: { root?: boolean } = {},
): Tensor {
  const y = device.allocate([w.rows, 1]);
  for (const { first, values } of decodedRows(device, w)) {
    const [rows, cols] = matrixShape(values);
    device.launch(
      squaresKernel,
      { x: values, y: rows === w.rows ? y : rowsView(y, first, rows) },
      { rows, cols },
      foldedGrid(Math.ceil(rows / WORKGROUP_SIZE)),
      { constants: { ROOT: Number(root) } },
    );
  }
  return { ...y, shape: [w.rows] };
}

/** An adapted weight whose rows are measured. */
export interface AdaptedRows {
  readonly w: Matrix;
  /** Of w, from `rowSquares()`. */
  readonly squares: Tensor;
  /** `[r, cols]`, and the same as a matrix. */
  readonly a: { readonly value: Tensor; readonly matrix: Matrix };
  /** `[rows, r]` */
  readonly b: Tensor;
  readonly scale: number;
  /** Magnitudes `[rows]`. */
  readonly m: Tensor;
}

/**
 * `inverse[i] = 1 / |W_i + scale (B A)_i|` and `gains[i] = m[i] inverse[i]`, both `[rows]`.
 *
 * @throws {TypeError} if the shapes do not fit
 */
export function weightNorms(
  device: Device,
  { w, squares, a, b, scale, m }: AdaptedRows,
): { inverse: Tensor; gains: Tensor } {
  const { rows } = w;
  const rank = a.matrix.rows;
  expectShape("a", a.value, [rank, w.cols]);
  expectShape("b", b, [rows, rank]);
  for (const [name, tensor] of Object.entries({ squares, m })) {
    expectShape(name, tensor, [rows]);
  }
  const wa = linear(device, a.value, w);
  const bg = timesGram(device, b, a);
  const inverse = device.allocate([rows]);
  const gains = device.allocate([rows]);
  device.launch(
    normsKernel,
    { squares, b, wa, bg, m, inverse, gains },
    { rows, rank, scale },
    foldedGrid(Math.ceil(rows / WORKGROUP_SIZE)),
  );
  device.release(wa);
  device.release(bg);
  return { inverse, gains };
}

/** `B A Aᵀ`, `[rows, r]`. */
function timesGram(device: Device, b: Tensor, a: AdaptedRows["a"]): Tensor {
  const rank = a.matrix.rows;
  const gram = linear(device, a.value, a.matrix);
  const matrix = createMatrix(device, rank, rank, "f32");
  packMatrix(device, matrix, gram);
  const bg = linear(device, b, matrix);
  releaseMatrix(device, matrix);
  device.release(gram);
  return bg;
}
