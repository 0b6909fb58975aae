/** Each row of a matrix times its own factor. */
import type { Device } from "../device/device.ts";
import { foldedGrid } from "../device/grid.ts";
import { defineKernel } from "../device/kernel.ts";
import source from "./scale_rows.wgsl" with { type: "text" };
import { expectShape, matrixShape, type Tensor } from "../device/tensor.ts";

const kernel = defineKernel("scale_rows", source);

/**
 * Multiplies row t of `x` `[rows, cols]` by `factors[t]`.
 *
 * @returns `[rows, cols]`, owned by the innermost scope
 * @throws {TypeError} if `factors` is not `[rows]`
 */
export function scaleRows(device: Device, x: Tensor, factors: Tensor): Tensor {
  const [rows, cols] = matrixShape(x);
  expectShape("factors", factors, [rows]);
  const y = device.allocate(x.shape);
  const count = rows * cols;
  if (count > 0) {
    const grid = foldedGrid(Math.ceil(count / 64));
    device.launch(kernel, { x, factors, y }, { count, cols }, grid);
  }
  return y;
}
