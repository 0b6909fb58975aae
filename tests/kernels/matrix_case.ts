/** Random matrices for kernel tests: on the device, and as the numbers that its dtype holds. */
import type { Device } from "../../kernels/device.ts";
import {
  createMatrix,
  type Matrix,
  writeMatrixRows,
} from "../../kernels/matrix.ts";
import type { MatrixDType } from "../../kernels/matrix_bytes.ts";
import { seeded } from "./numbers.ts";

/** Numbers rounded towards zero to a dtype, and their bytes. */
export function encoded(
  numbers: Float32Array,
  dtype: MatrixDType,
): { values: Float32Array; bytes: Uint8Array } {
  if (dtype === "f32") {
    return { values: numbers, bytes: new Uint8Array(numbers.buffer) };
  }
  if (dtype === "f16") {
    const halves = new Float16Array(numbers);
    return {
      values: new Float32Array(halves),
      bytes: new Uint8Array(halves.buffer),
    };
  }
  const bits = new Uint32Array(numbers.slice().buffer);
  const values = new Float32Array(bits.map((b) => b & 0xffff0000).buffer);
  const halves = Uint16Array.from(bits, (b) => b >>> 16);
  return { values, bytes: new Uint8Array(halves.buffer) };
}

/** A matrix of seeded numbers, written in several uneven pieces. */
export function seededMatrix(
  device: Device,
  rows: number,
  cols: number,
  dtype: MatrixDType,
  seed = 0,
): { w: Matrix; values: Float32Array } {
  const numbers = seeded(rows * cols, rows + cols + seed);
  const { values, bytes } = encoded(numbers, dtype);
  const w = createMatrix(device, rows, cols, dtype);
  const rowBytes = bytes.length / rows;
  for (let row = 0, step = 6; row < rows; row += step, step += 58) {
    const end = Math.min(rows, row + step) * rowBytes;
    writeMatrixRows(device, w, row, bytes.subarray(row * rowBytes, end));
  }
  return { w, values };
}

/** Window bytes under which every operand of the tests is cut into pieces of 64 rows. */
export const SMALL_WINDOW = 64 * 176 * 4;
