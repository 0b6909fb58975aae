/**
 * What training changes: numbers with their gradient, and the packed form that the products read.
 * Knows neither models nor optimizers.
 */
import type { Device } from "../../kernels/device/device.ts";
import {
  createMatrix,
  type Matrix,
  packMatrix,
} from "../../kernels/matrix/matrix.ts";
import { matrixShape, type Tensor } from "../../kernels/device/tensor.ts";

/**
 * A trained tensor. `value` and `gradient` are f32 and of one shape; gradients are added to, never
 * replaced.
 */
export interface Parameter {
  /** The checkpoint's own name, such as `model.layers.0.self_attn.q_proj.weight`. */
  readonly name: string;
  readonly value: Tensor;
  readonly gradient: Tensor;
}

/** A weight `[out, in]` as products read it; with `parameter` it is trained. */
export interface Weight {
  readonly name: string;
  readonly matrix: Matrix;
  readonly parameter?: Parameter;
}

/** A bias or a norm's weight `[size]`; with `parameter` it is trained. */
export interface Vector {
  readonly name: string;
  readonly tensor: Tensor;
  readonly parameter?: Parameter;
}

/** Makes a tensor trainable: its gradient starts at zero. */
export function createParameter(
  device: Device,
  name: string,
  value: Tensor,
): Parameter {
  return { name, value, gradient: device.zeros(value.shape) };
}

/** A trained weight over an f32 tensor `[out, in]`. */
export function trainedWeight(
  device: Device,
  name: string,
  value: Tensor,
): Weight {
  const [rows, cols] = matrixShape(value);
  const matrix = createMatrix(device, rows, cols, "f32");
  packMatrix(device, matrix, value);
  return { name, matrix, parameter: createParameter(device, name, value) };
}

/** Brings the packed form of a trained weight up to date, after each change of its value. */
export function refreshWeight(
  device: Device,
  { matrix, parameter }: Weight,
): void {
  if (parameter) packMatrix(device, matrix, parameter.value);
}
