/** Columns of a matrix as rows, filled up with zeros to a multiple of four columns. */
import type { Device } from "./device.ts";
import { flatTexture } from "./flat_texture.ts";
import { foldedGrid } from "./grid.ts";
import { defineKernel } from "./kernel.ts";
import { matrixShape, type Tensor } from "./tensor.ts";
import source from "./transpose.wgsl" with { type: "text" };
import panelSource from "./transpose_panel.wgsl" with { type: "text" };

const kernel = defineKernel("transpose", source);
const panelKernel = defineKernel("transpose_panel", panelSource);

/** Columns `[first, first + count)` of x `[rows, cols]` as `[count, 4 * ceil(rows / 4)]`. */
export function transposeColumns(
  device: Device,
  x: Tensor,
  first: number,
  count: number,
): Tensor {
  const [rows, cols] = matrixShape(x);
  const pitch = Math.ceil(rows / 4) * 4;
  const y = device.allocate([count, pitch]);
  const params = { rows, cols, first, count, pitch };
  const invocations = count * pitch / 4;
  if (invocations === 0) return y;
  if (device.variant === "panel") {
    const flat = flatTexture(device, x);
    const grid = foldedGrid(Math.ceil(invocations / 8));
    device.launch(panelKernel, { x: flat, y }, params, grid);
    device.release(flat);
  } else {
    const grid = foldedGrid(Math.ceil(invocations / 64));
    device.launch(kernel, { x, y }, params, grid);
  }
  return y;
}
