/**
 * Gradient of a weight. One operand is transposed, so that the sum over the tokens runs along its rows: the kernels
 * of the other products serve, and on CPU adapters that is a third faster than a kernel of its own was.
 */
import type { Device } from "../device/device.ts";
import { launchProduct, plainProduct, withOperand } from "./product.ts";
import { expectRows, rowSlices, sliceRows } from "./row_slices.ts";
import { expectShape, matrixShape, type Tensor } from "../device/tensor.ts";
import { transposeColumns } from "../launch/transpose.ts";

/**
 * Gradient of a weight: dw = dyᵀ x, `[rows, cols]` from dy `[tokens, rows]` and x `[tokens, cols]`.
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
  withOperand(device, x, "rgba32uint", (b) => {
    for (const slice of rowSlices(device, rows, Math.max(tokens, cols))) {
      const { first, count } = slice;
      const c = sliceRows(dw, slice);
      const transposed = transposeColumns(device, dy, first, count);
      withOperand(
        device,
        transposed,
        "rgba32float",
        (a) =>
          launchProduct(device, {
            ...plainProduct(c, count, cols, tokens),
            mode: "nn",
            a,
            b,
            cRow: cols,
            add,
          }),
      );
      device.release(transposed);
    }
  });
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
  withOperand(
    device,
    dy,
    "rgba32uint",
    (b) =>
      withOperand(
        device,
        transposed,
        "rgba32float",
        (a) =>
          launchProduct(device, {
            ...plainProduct(dw, cols, rows, tokens),
            mode: "nn",
            a,
            b,
            cRow: 1,
            cCol: cols,
            add,
          }),
      ),
  );
  device.release(transposed);
}
