/**
 * Products of activations and weights: forward, and the gradient of the activations. Loops over the row windows of a weight
 * and over slices of the tokens, so that no binding passes the adapter's limit; the work is in product.ts.
 */
import type { Device } from "./device.ts";
import { type Matrix, windowsOf } from "./matrix.ts";
import { launchProduct, plainProduct, withOperand } from "./product.ts";
import { expectRows, rowSlices } from "./row_slices.ts";
import { expectShape, matrixShape, rowsView, type Tensor } from "./tensor.ts";

export { linearDw } from "./linear_dw.ts";

/**
 * y = x wᵀ + bias, `[tokens, rows]` from x `[tokens, cols]`.
 *
 * @param options.bias `[rows]`
 * @param options.into a tensor `[tokens, rows]` to add to, which is then returned
 * @throws {TypeError} if shapes do not fit
 */
export function linear(
  device: Device,
  x: Tensor,
  w: Matrix,
  { bias, into }: { bias?: Tensor; into?: Tensor } = {},
): Tensor {
  if (bias) expectShape("bias", bias, [w.rows]);
  return forward(device, x, w, { first: 0, rows: w.rows, bias, into });
}

/**
 * Product with rows `[firstRow, firstRow + rows)` of w: y `[tokens, rows]` from x `[tokens, cols]`.
 *
 * @throws {TypeError} if shapes do not fit
 * @throws {RangeError} if the rows are not within w
 */
export function linearRows(
  device: Device,
  x: Tensor,
  w: Matrix,
  firstRow: number,
  rows: number,
): Tensor {
  return forward(device, x, w, { first: firstRow, rows });
}

/**
 * Gradient of x: dx = dy w, `[tokens, cols]` from dy `[tokens, rows]`.
 *
 * @param options.into a tensor `[tokens, cols]` to add to, which is then returned
 * @throws {TypeError} if shapes do not fit
 */
export function linearDx(
  device: Device,
  dy: Tensor,
  w: Matrix,
  { into }: { into?: Tensor } = {},
): Tensor {
  const [tokens] = expectColumns("dy", dy, w.rows);
  if (into) expectRows("into", into, tokens, w.cols);
  const dx = into ??
    device.allocate([...dy.shape.slice(0, -1), w.cols]);
  backward(device, dy, w, { first: 0, into: dx, add: into !== undefined });
  return dx;
}

/**
 * into = into * rowScale + p w[firstRow, firstRow + rows), for p `[tokens, rows]` and into `[tokens, cols]`.
 *
 * @param rowScale one number per token, `[tokens]`; without it, 1
 * @throws {TypeError} if shapes do not fit
 * @throws {RangeError} if the rows are not within w
 */
export function linearDxRows(
  device: Device,
  p: Tensor,
  w: Matrix,
  firstRow: number,
  into: Tensor,
  rowScale?: Tensor,
): void {
  const [tokens] = matrixShape(p);
  expectRows("into", into, tokens, w.cols);
  if (rowScale) expectShape("rowScale", rowScale, [tokens]);
  backward(device, p, w, { first: firstRow, into, add: true, scale: rowScale });
}

interface Forward {
  readonly first: number;
  readonly rows: number;
  readonly bias?: Tensor | undefined;
  readonly into?: Tensor | undefined;
}

function forward(
  device: Device,
  x: Tensor,
  w: Matrix,
  { first, rows, bias, into }: Forward,
): Tensor {
  const [tokens] = expectColumns("x", x, w.cols);
  if (into) expectRows("into", into, tokens, rows);
  const y = into ?? device.allocate([...x.shape.slice(0, -1), rows]);
  const pieces = windowsOf(w, first, rows);
  const widest = Math.max(rows, w.cols);
  for (const slice of rowSlices(device, tokens, widest)) {
    const whole = slice.count === tokens;
    const a = whole ? x : rowsView(x, slice.first, slice.count);
    const c = whole ? y : rowsView(y, slice.first, slice.count);
    withOperand(device, a, "rgba32float", (operand) => {
      for (const piece of pieces) {
        launchProduct(device, {
          ...plainProduct(c, slice.count, piece.rows, w.cols),
          mode: "nt",
          a: operand,
          b: { ...w, store: piece.store },
          bRow: piece.first,
          cRow: rows,
          cFirst: piece.offset,
          add: into !== undefined,
          bias,
          biasFirst: piece.offset,
        });
      }
    });
  }
  return y;
}

interface Backward {
  readonly first: number;
  readonly into: Tensor;
  readonly add: boolean;
  readonly scale?: Tensor | undefined;
}

function backward(
  device: Device,
  dy: Tensor,
  w: Matrix,
  { first, into, add, scale }: Backward,
): void {
  const [tokens, rows] = matrixShape(dy);
  const pieces = windowsOf(w, first, rows);
  const widest = Math.max(rows, w.cols);
  for (const slice of rowSlices(device, tokens, widest)) {
    const whole = slice.count === tokens;
    const a = whole ? dy : rowsView(dy, slice.first, slice.count);
    const c = whole ? into : rowsView(into, slice.first, slice.count);
    const factors = whole || !scale
      ? scale
      : rowsView(scale, slice.first, slice.count);
    withOperand(device, a, "rgba32float", (operand) => {
      for (const [i, piece] of pieces.entries()) {
        launchProduct(device, {
          ...plainProduct(c, slice.count, w.cols, piece.rows),
          mode: "nn",
          a: operand,
          aCol: piece.offset,
          b: { ...w, store: piece.store },
          bRow: piece.first,
          cRow: w.cols,
          add: add || i > 0,
          scale: i === 0 ? factors : undefined,
        });
      }
    });
  }
}

function expectColumns(
  name: string,
  tensor: Tensor,
  cols: number,
): [rows: number, cols: number] {
  const shape = matrixShape(tensor);
  expectRows(name, tensor, shape[0], cols);
  return shape;
}
