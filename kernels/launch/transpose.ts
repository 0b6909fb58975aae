/** Columns of a matrix as rows, filled up with zeros to a multiple of four columns. */
import type { Device } from "../device/device.ts";
import { flatTexture } from "./flat_texture.ts";
import { foldedGrid } from "../device/grid.ts";
import { defineKernel } from "../device/kernel.ts";
import { PATHS } from "../device/paths.ts";
import { padColumns } from "./pad_columns.ts";
import { matrixShape, type Tensor } from "../device/tensor.ts";
import gpuText from "./transpose_gpu.wgsl" with { type: "text" };
import cpuText from "./transpose_cpu.wgsl" with { type: "text" };

const gpuKernel = defineKernel("transpose_gpu", gpuText);
const cpuKernel = defineKernel("transpose_cpu", cpuText);

/**
 * Columns `[first, first + count)` of x `[rows, cols]` as `[count, 4 * ceil(rows / 4)]`.
 *
 * @param first a multiple of 4
 */
export function transposeColumns(
  device: Device,
  x: Tensor,
  first: number,
  count: number,
): Tensor {
  const [rows, cols] = matrixShape(x);
  const pitch = Math.ceil(rows / 4) * 4;
  const y = device.allocate([count, pitch]);
  if (count * pitch === 0) return y;
  if (PATHS.transpose(device) === "transpose_cpu") {
    transposeWords(device, x, { first, count, y });
    return y;
  }
  const grid = foldedGrid(Math.ceil(count * pitch / 4 / 64));
  const params = { rows, cols, first, count, pitch };
  device.launch(gpuKernel, { x, y }, params, grid);
  return y;
}

function transposeWords(
  device: Device,
  x: Tensor,
  { first, count, y }: { first: number; count: number; y: Tensor },
): void {
  const [rows, cols] = matrixShape(x);
  const padded = padColumns(device, x);
  const flat = flatTexture(device, padded);
  const params = {
    rows,
    pitch: Math.ceil(cols / 4),
    first,
    count,
    y_pitch: Math.ceil(rows / 4),
  };
  const invocations = Math.ceil(count / 4) * params.y_pitch;
  const grid = foldedGrid(Math.ceil(invocations / 64));
  device.launch(cpuKernel, { x: flat, y }, params, grid);
  device.release(flat);
  if (padded !== x) device.release(padded);
}
