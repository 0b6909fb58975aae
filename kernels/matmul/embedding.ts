/**
 * Rows of a weight by number, from the same memory that the products read: tied heads hold it once.
 */
import { isCodeDType } from "../matrix/codebooks.ts";
import type { Device } from "../device/device.ts";
import gpuText from "./embedding_gpu.wgsl" with { type: "text" };
import cpuText from "./embedding_cpu.wgsl" with { type: "text" };
import { foldedGrid } from "../device/grid.ts";
import { defineKernel } from "../device/kernel.ts";
import { PATHS } from "../device/paths.ts";
import type { Matrix } from "../matrix/matrix.ts";
import { FORMATS } from "../matrix/matrix_bytes.ts";
import { elements, type Tensor } from "../device/tensor.ts";

const kernels = {
  embedding_gpu: defineKernel("embedding_gpu", gpuText),
  embedding_cpu: defineKernel("embedding_cpu", cpuText),
};
const WORKGROUP_SIZE = 64;

/**
 * Rows of w by their numbers: f32 `[n, cols]`. The caller sees to it that each number is below
 * `w.rows`.
 *
 * @param ids u32 `[n]`
 * @throws {TypeError} if `ids` is not u32, or w is codes
 */
export function pickRows(device: Device, w: Matrix, ids: Tensor): Tensor {
  if (ids.dtype !== "u32") {
    throw new TypeError(
      `Cannot pick rows of a matrix: numbers of dtype ${ids.dtype}, expected u32`,
    );
  }
  if (isCodeDType(w.dtype)) {
    throw new TypeError(
      `Cannot pick rows of a matrix: it is of ${w.dtype}, expected floats`,
    );
  }
  const count = elements(ids.shape);
  const y = device.allocate([count, w.cols]);
  if (count === 0) return y;
  const groups = Math.ceil(
    count * Math.ceil(w.cols / 4) / WORKGROUP_SIZE,
  );
  for (const { first, rows, store } of w.windows) {
    const params = { count, cols: w.cols, pitch: w.pitch, first, rows };
    device.launch(
      kernels[PATHS.embedding(device)],
      { ids, w: store, y },
      params,
      foldedGrid(groups),
      { constants: { FORMAT: FORMATS[w.dtype] } },
    );
  }
  return y;
}

/** Embeddings of token ids, f32 `[n, cols]`; see `pickRows()`. */
export function embedding(device: Device, tokens: Tensor, w: Matrix): Tensor {
  return pickRows(device, w, tokens);
}
