/**
 * Rows filled up with zeros to a multiple of four columns, so that every other kernel may read four
 * at a time.
 */
import type { Device } from "../device/device.ts";
import { foldedGrid } from "../device/grid.ts";
import { defineKernel } from "../device/kernel.ts";
import source from "./pad_columns.wgsl" with { type: "text" };
import { matrixShape, type Tensor } from "../device/tensor.ts";

const kernel = defineKernel("pad_columns", source);
const WORKGROUP_SIZE = 64;

/** `[rows, cols]` as `[rows, 4 * ceil(cols / 4)]`; the tensor itself where nothing is to fill. */
export function padColumns(device: Device, x: Tensor): Tensor {
  const [rows, cols] = matrixShape(x);
  const pitch = Math.ceil(cols / 4) * 4;
  if (pitch === cols) return x;
  const y = device.allocate([rows, pitch]);
  const groups = Math.ceil(rows * pitch / WORKGROUP_SIZE);
  if (groups === 0) return y;
  device.launch(kernel, { x, y }, { rows, cols, pitch }, foldedGrid(groups));
  return y;
}
