/** A weight matrix for tests, from its numbers. */
import type { Device } from "../../kernels/device/device.ts";
import {
  createMatrix,
  type Matrix,
  packMatrix,
} from "../../kernels/matrix/matrix.ts";

/** Makes an f32 matrix of shape `[rows, cols]`. */
export function uploadMatrix(
  device: Device,
  numbers: Float32Array,
  shape: readonly [rows: number, cols: number],
): Matrix {
  const matrix = createMatrix(device, ...shape, "f32");
  packMatrix(device, matrix, device.upload(numbers, shape));
  return matrix;
}
