/** Random matrices for kernel tests: on the device, and as the numbers that its dtype holds. */
import type { Device } from "../../kernels/device/device.ts";
import type { CodeDType } from "../../kernels/matrix/codebooks.ts";
import {
  createMatrix,
  type Matrix,
  writeMatrixRows,
} from "../../kernels/matrix/matrix.ts";
import { writeMatrixScales } from "../../kernels/matrix/matrix_scales.ts";
import type { MatrixDType } from "../../kernels/matrix/matrix_bytes.ts";
import {
  dequantize,
  nestScales,
  quantize,
  restoreScales,
  scalesOf,
} from "../../kernels/matrix/quantize.ts";
import { seeded } from "./numbers.ts";

/** Numbers rounded towards zero to a dtype, and their bytes. */
export function encoded(
  numbers: Float32Array,
  dtype: Exclude<MatrixDType, CodeDType>,
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
  dtype: Exclude<MatrixDType, CodeDType>,
  seed = 0,
): { w: Matrix; values: Float32Array } {
  const numbers = seeded(rows * cols, rows + cols + seed);
  const { values, bytes } = encoded(numbers, dtype);
  const w = createMatrix(device, rows, cols, dtype);
  writeInPieces(device, w, bytes, 24);
  return { w, values };
}

/** As `seededMatrix()`, quantised; `values` are what the codes stand for. */
export function seededCodes(
  device: Device,
  rows: number,
  cols: number,
  dtype: CodeDType,
  { nested = false } = {},
): { w: Matrix; values: Float32Array } {
  const codes = quantize(seeded(rows * cols, rows + cols), cols, dtype);
  const w = createMatrix(device, rows, cols, dtype, { nested });
  writeInPieces(device, w, codes.bytes, 8);
  writeMatrixScales(device, w, scalesOf(codes.absmax, dtype));
  const absmax = nested
    ? restoreScales(nestScales(codes.absmax))
    : codes.absmax;
  return { w, values: dequantize({ ...codes, absmax }, [rows, cols], dtype) };
}

function writeInPieces(
  device: Device,
  w: Matrix,
  bytes: Uint8Array,
  first: number,
): void {
  const rowBytes = bytes.length / w.rows;
  for (let row = 0, step = first; row < w.rows; row += step, step += 56) {
    const end = Math.min(w.rows, row + step) * rowBytes;
    writeMatrixRows(device, w, row, bytes.subarray(row * rowBytes, end));
  }
}

/** Window bytes under which every operand of the tests is cut into pieces of 64 rows. */
export const SMALL_WINDOW = 64 * 176 * 4;
