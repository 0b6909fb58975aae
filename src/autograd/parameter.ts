/**
 * Trained tensors: their values, their gradients, and the packed form that the matrix products
 * read. Knows neither models nor optimizers.
 */
import type { Device } from "../../kernels/device/device.ts";
import {
  createMatrix,
  type Matrix,
  packMatrix,
} from "../../kernels/matrix/matrix.ts";
import { matrixShape, type Tensor } from "../../kernels/device/tensor.ts";

/**
 * A trained tensor. `value` and `gradient` are f32 and have the same shape. Each backward pass adds
 * to the gradient; none replaces it.
 */
export interface Parameter {
  /** The checkpoint's own name, such as `model.layers.0.self_attn.q_proj.weight`. */
  readonly name: string;
  readonly value: Tensor;
  readonly gradient: Tensor;
}

/** A weight `[out, in]` in the form that products read. It is trained if it has a `parameter`. */
export interface Weight {
  readonly name: string;
  readonly matrix: Matrix;
  readonly parameter?: Parameter;
}

/** A bias or the weight of a norm, `[size]`. It is trained if it has a `parameter`. */
export interface Vector {
  readonly name: string;
  readonly tensor: Tensor;
  readonly parameter?: Parameter;
}

/** Makes a parameter of a tensor; its gradient starts at zero. */
export function createParameter(
  device: Device,
  name: string,
  value: Tensor,
): Parameter {
  return { name, value, gradient: device.zeros(value.shape) };
}

/** Makes a trained weight of an f32 tensor `[out, in]`. */
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

/** Packs the value of a trained weight again; to be called after each change of the value. */
export function refreshWeight(
  device: Device,
  { matrix, parameter }: Weight,
): void {
  if (parameter) packMatrix(device, matrix, parameter.value);
}
