/**
 * Some columns of a matrix, and the addition of their gradient to that of the whole: so a fused
 * projection is taken apart.
 */
import addSource from "./add_columns.wgsl" with { type: "text" };
import type { Device } from "../device/device.ts";
import { elementWidth, GROUP_SIZE } from "../launch/element_launch.ts";
import { foldedGrid } from "../device/grid.ts";
import { defineKernel, type Kernel } from "../device/kernel.ts";
import takeSource from "./take_columns.wgsl" with { type: "text" };
import { expectShape, matrixShape, type Tensor } from "../device/tensor.ts";

const takeKernel = defineKernel("take_columns", takeSource);
const addKernel = defineKernel("add_columns", addSource);

/**
 * Columns `[first, first + count)` of `x [rows, wide]`, a new tensor `[rows, count]`.
 *
 * @throws {RangeError} if there are no such columns
 */
export function takeColumns(
  device: Device,
  x: Tensor,
  first: number,
  count: number,
): Tensor {
  const [rows, wide] = matrixShape(x);
  if (first < 0 || count < 0 || first + count > wide) {
    throw new RangeError(
      `Cannot take columns ${first} to ${
        first + count
      }: the tensor has ${wide}`,
    );
  }
  const y = device.allocate([rows, count]);
  launch(device, takeKernel, { x, y }, first);
  return y;
}

/**
 * Adds `y [rows, count]` to the columns of `x [rows, wide]` from `first` on.
 *
 * @throws {TypeError} if the rows differ
 */
export function addColumns(
  device: Device,
  x: Tensor,
  y: Tensor,
  first: number,
): void {
  const [rows] = matrixShape(x);
  expectShape("y", y, [rows, y.shape[1] ?? 0]);
  launch(device, addKernel, { x, y }, first);
}

function launch(
  device: Device,
  kernel: Kernel,
  { x, y }: { x: Tensor; y: Tensor },
  first: number,
): void {
  const [rows, cols] = matrixShape(y);
  const [, wide] = matrixShape(x);
  const all = [cols, wide, first].every((n) => n % 4 === 0);
  const { width, options } = elementWidth(all ? 4 : 1);
  const count = rows * cols / width;
  if (count === 0) return;
  const params = {
    count,
    cols: cols / width,
    wide: wide / width,
    first: first / width,
  };
  device.launch(
    kernel,
    { x, y },
    params,
    foldedGrid(Math.ceil(count / GROUP_SIZE)),
    options,
  );
}
