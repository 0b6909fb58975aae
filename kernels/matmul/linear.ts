/**
 * Products of activations and weights: forward, and the gradients of both. Loops over the row
 * windows of a weight and over slices of the tokens, so that no binding passes the device's limit.
 * The work is in matmul.ts.
 */
import type { Device } from "../device/device.ts";
import { expectShape, matrixShape, type Tensor } from "../device/tensor.ts";
import { transposeColumns } from "../launch/transpose.ts";
import { type Matrix, type WindowPiece, windowsOf } from "../matrix/matrix.ts";
import { ROWS_PER_WORD } from "../matrix/matrix_bytes.ts";
import { openScales } from "../matrix/matrix_scales.ts";
import { launchProduct } from "./matmul.ts";
import {
  openOperand,
  plainProduct,
  type SecondPair,
} from "./operands/operand.ts";
import {
  expectRows,
  type RowSlice,
  rowSlices,
  sliceRows,
} from "../launch/row_slices.ts";

/**
 * A further product for the same sum, in the same pass: the low-rank part of an adapted layer.
 * Forward x is `[tokens, r]` and w, f32, `[rows, r]`; backward x is `[tokens, r]` and w
 * `[r, cols]`.
 */
export interface MoreProduct {
  /** Its left side. */
  readonly x: Tensor;
  /** Its right side. */
  readonly w: Matrix;
}

/**
 * y = factor (x wᵀ + bias + more.x more.wᵀ), `[tokens, rows]` from x `[tokens, cols]`.
 *
 * @param options.factor default 1
 * @param options.bias `[rows]`
 * @param options.more costs nearly nothing; a second call with `into` would cost a tenth of the
 * first
 * @param options.into a tensor `[tokens, rows]` to add to, which is then returned
 * @throws {TypeError} if shapes do not fit
 */
export function linear(
  device: Device,
  x: Tensor,
  w: Matrix,
  { bias, into, more, factor = 1 }: {
    bias?: Tensor | undefined;
    into?: Tensor | undefined;
    more?: MoreProduct;
    factor?: number;
  } = {},
): Tensor {
  const all = { first: 0, rows: w.rows, factor };
  if (bias) expectShape("bias", bias, [w.rows]);
  if (more) expectMore(more, x, [w.rows, more.w.cols], more.w.cols);
  if (more && more.w.windows.length > 1) {
    const y = forward(device, x, w, { ...all, bias, into });
    return linear(device, more.x, more.w, { into: y, factor });
  }
  return forward(device, x, w, { ...all, bias, into, more });
}

/**
 * Product with rows `[firstRow, firstRow + rows)` of w: y `[tokens, rows]` from x `[tokens, cols]`.
 *
 * @param firstRow even if w is of 16 bits, a multiple of 4 if of codes
 * @throws {TypeError} if shapes do not fit
 * @throws {RangeError} if the rows are not within w, or begin within a group
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
 * Gradient of x: dx = factor (dy w + more.x more.w), `[tokens, cols]` from dy `[tokens, rows]`.
 *
 * @param options.factor default 1
 * @param options.into a tensor `[tokens, cols]` to add to, which is then returned
 * @throws {TypeError} if shapes do not fit
 */
export function linearDx(
  device: Device,
  dy: Tensor,
  w: Matrix,
  { into, more, factor = 1 }: {
    into?: Tensor | undefined;
    more?: MoreProduct;
    factor?: number;
  } = {},
): Tensor {
  const [tokens] = expectColumns("dy", dy, w.rows);
  if (into) expectRows("into", into, tokens, w.cols);
  if (more) expectMore(more, dy, [more.w.rows, w.cols], more.w.rows);
  const dx = into ??
    device.allocate([...dy.shape.slice(0, -1), w.cols]);
  const add = into !== undefined;
  if (more && more.w.windows.length > 1) {
    backward(device, dy, w, { first: 0, into: dx, add, factor });
    return linearDx(device, more.x, more.w, { into: dx, factor });
  }
  backward(device, dy, w, { first: 0, into: dx, add, more, factor });
  return dx;
}

/**
 * into = into * rowScale + p w[firstRow, firstRow + rows), for p `[tokens, rows]` and into
 * `[tokens, cols]`.
 *
 * @param firstRow even if w is of 16 bits, a multiple of 4 if of codes
 * @param rowScale one number per token, `[tokens]`; without it, 1
 * @throws {TypeError} if shapes do not fit
 * @throws {RangeError} if the rows are not within w, or begin within a group
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
  readonly factor?: number;
  readonly bias?: Tensor | undefined;
  readonly into?: Tensor | undefined;
  readonly more?: MoreProduct | undefined;
}

function forward(
  device: Device,
  x: Tensor,
  w: Matrix,
  { first, rows, bias, into, more, factor = 1 }: Forward,
): Tensor {
  const [tokens] = expectColumns("x", x, w.cols);
  if (into) expectRows("into", into, tokens, rows);
  const y = into ?? device.allocate([...x.shape.slice(0, -1), rows]);
  const pieces = wholeWords(w, first, rows);
  for (const slice of rowSlices(device, tokens, Math.max(rows, w.cols))) {
    const c = sliceRows(y, slice);
    using a = openOperand(device, sliceRows(x, slice), "rgba32float");
    using second = openSecond(device, more, slice);
    for (const piece of pieces) {
      using scales = openScales(device, piece.scales);
      launchProduct(device, {
        ...plainProduct(c, slice.count, piece.rows, w.cols),
        mode: "nt",
        a,
        b: { ...w, store: piece.store, scales: scales.store },
        bRow: piece.first,
        cRow: rows,
        cFirst: piece.offset,
        add: into !== undefined,
        factor,
        bias,
        biasFirst: piece.offset,
        more: second && { ...second, bRow: piece.offset },
      });
    }
  }
  return y;
}

interface Backward {
  readonly first: number;
  readonly into: Tensor;
  readonly add: boolean;
  readonly factor?: number;
  readonly scale?: Tensor | undefined;
  readonly more?: MoreProduct | undefined;
}

function backward(
  device: Device,
  dy: Tensor,
  w: Matrix,
  { first, into, add, scale, more, factor = 1 }: Backward,
): void {
  const [tokens, rows] = matrixShape(dy);
  const pieces = wholeWords(w, first, rows);
  for (const slice of rowSlices(device, tokens, Math.max(rows, w.cols))) {
    const c = sliceRows(into, slice);
    const factors = scale && sliceRows(scale, slice);
    using a = openOperand(device, sliceRows(dy, slice), "rgba32float");
    using second = openSecond(device, more, slice);
    for (const [i, piece] of pieces.entries()) {
      using scales = openScales(device, piece.scales);
      launchProduct(device, {
        ...plainProduct(c, slice.count, w.cols, piece.rows),
        mode: "nn",
        a,
        aCol: piece.offset,
        b: { ...w, store: piece.store, scales: scales.store },
        bRow: piece.first,
        cRow: w.cols,
        add: add || i > 0,
        factor,
        scale: i === 0 ? factors : undefined,
        more: i === 0 ? second : undefined,
      });
    }
  }
}

/**
 * Gradient of a weight: dw = dyᵀ x, `[rows, cols]` from dy `[tokens, rows]` and x `[tokens, cols]`.
 * One operand is transposed, so that the sum over the tokens runs along its rows: the kernels of
 * the other products serve, and on CPU devices that is a third faster than a kernel of its own was.
 *
 * @param options.into a tensor `[rows, cols]` to add to, which is then returned
 * @throws {TypeError} if shapes do not fit
 */
export function linearDw(
  device: Device,
  dy: Tensor,
  x: Tensor,
  { into }: { into?: Tensor } = {},
): Tensor {
  const [tokens, rows] = matrixShape(dy);
  const [, cols] = matrixShape(x);
  expectRows("x", x, tokens, cols);
  if (into) expectShape("into", into, [rows, cols]);
  const dw = into ?? device.allocate([rows, cols]);
  if (tokens === 0 && !into) {
    device.record((encoder) => encoder.clearBuffer(dw.buffer));
  }
  const widest = Math.max(rows, cols);
  let add = into !== undefined;
  for (const slice of rowSlices(device, tokens, widest)) {
    const dyPart = sliceRows(dy, slice);
    const xPart = sliceRows(x, slice);
    if (rows > cols && rows * cols * 4 <= device.windowBytes) {
      weightGradientTransposed(device, dyPart, xPart, dw, add);
    } else weightGradient(device, dyPart, xPart, dw, add);
    add = true;
  }
  return dw;
}

/** dw = dyᵀ x, in row windows of dw. */
function weightGradient(
  device: Device,
  dy: Tensor,
  x: Tensor,
  dw: Tensor,
  add: boolean,
): void {
  const [tokens, rows] = matrixShape(dy);
  const [, cols] = matrixShape(x);
  using b = openOperand(device, x, "rgba32uint");
  for (const slice of rowSlices(device, rows, Math.max(tokens, cols))) {
    const { first, count } = slice;
    const transposed = transposeColumns(device, dy, first, count);
    {
      using a = openOperand(device, transposed, "rgba32float");
      launchProduct(device, {
        ...plainProduct(sliceRows(dw, slice), count, cols, tokens),
        mode: "nn",
        a,
        b,
        cRow: cols,
        add,
      });
    }
    device.release(transposed);
  }
}

/** dwᵀ = xᵀ dy, stored by swapped strides: x is the narrower operand to transpose. */
function weightGradientTransposed(
  device: Device,
  dy: Tensor,
  x: Tensor,
  dw: Tensor,
  add: boolean,
): void {
  const [tokens, rows] = matrixShape(dy);
  const [, cols] = matrixShape(x);
  const transposed = transposeColumns(device, x, 0, cols);
  {
    using b = openOperand(device, dy, "rgba32uint");
    using a = openOperand(device, transposed, "rgba32float");
    launchProduct(device, {
      ...plainProduct(dw, cols, rows, tokens),
      mode: "nn",
      a,
      b,
      cRow: 1,
      cCol: cols,
      add,
    });
  }
  device.release(transposed);
}

/** Windows of rows that begin with a word. */
function wholeWords(w: Matrix, first: number, rows: number): WindowPiece[] {
  if (first % ROWS_PER_WORD[w.dtype] === 0) return windowsOf(w, first, rows);
  throw new RangeError(
    `Cannot multiply by rows of a ${w.dtype} matrix from row ${first}: expected a multiple of ${
      ROWS_PER_WORD[w.dtype]
    }`,
  );
}

/**
 * The second pair of operands for a slice of the tokens, if there is one; its disposal frees what
 * that took.
 */
function openSecond(
  device: Device,
  more: MoreProduct | undefined,
  slice: RowSlice,
): (SecondPair & Disposable) | undefined {
  if (!more) return undefined;
  const a = openOperand(device, sliceRows(more.x, slice), "rgba32float");
  return {
    a,
    b: { ...more.w, store: more.w.windows[0]!.store },
    bRow: 0,
    length: matrixShape(more.x)[1],
    [Symbol.dispose]: () => a[Symbol.dispose](),
  };
}

function expectMore(
  { x, w }: MoreProduct,
  of: Tensor,
  shape: [rows: number, cols: number],
  rank: number,
): void {
  expectRows("more.x", x, matrixShape(of)[0], rank);
  if (w.rows === shape[0] && w.cols === shape[1] && w.dtype === "f32") return;
  throw new TypeError(
    `Cannot use matrix "more.w": ${w.dtype} [${w.rows}, ${w.cols}], expected f32 [${
      shape.join(", ")
    }]`,
  );
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
