/**
 * A weight of random numbers for benches; large ones repeat what is drawn. Buffers that were never
 * written time too fast.
 */
import type { Device } from "../../kernels/device/device.ts";
import {
  createMatrix,
  type Matrix,
  writeMatrixRows,
  WRITTEN_ROWS,
} from "../../kernels/matrix/matrix.ts";
import { encoded } from "../kernels/matrix_case.ts";
import { seeded } from "../kernels/numbers.ts";

/** Most numbers that are drawn. */
const DRAWN = 1 << 22;

/** Makes a matrix of shape `[rows, cols]`. */
export function drawnMatrix(
  device: Device,
  rows: number,
  cols: number,
  dtype: "f32" | "bf16",
): Matrix {
  const w = createMatrix(device, rows, cols, dtype);
  const runs = Math.max(1, Math.floor(DRAWN / cols / WRITTEN_ROWS));
  const most = runs * WRITTEN_ROWS;
  const { bytes } = encoded(seeded(Math.min(most, rows) * cols, 1), dtype);
  const rowBytes = bytes.length / Math.min(most, rows);
  for (let row = 0; row < rows; row += most) {
    const count = Math.min(most, rows - row);
    writeMatrixRows(device, w, row, bytes.subarray(0, count * rowBytes));
  }
  return w;
}
