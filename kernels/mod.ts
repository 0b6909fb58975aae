/**
 * The device and its kernels: WebGPU in WGSL, with a kind of kernels for GPUs and a kind for
 * software Vulkan on the CPU.
 *
 * ```ts
 * import {
 *   createMatrix,
 *   linear,
 *   openDevice,
 *   softmax,
 *   writeMatrixRows,
 * } from "@tiebreak/tiebreak/kernels";
 *
 * using device = await openDevice();
 * const w = createMatrix(device, 2, 3, "f32"); // [rows, cols]
 * const rows = new Float32Array([1, 0, 0, 0, 1, 0]);
 * writeMatrixRows(device, w, 0, new Uint8Array(rows.buffer));
 * const x = device.upload(new Float32Array([5, 5, 9]), [1, 3]);
 * const y = softmax(device, linear(device, x, w)); // x wᵀ, then probabilities by row
 * console.log(await device.read(y)); // [0.5, 0.5]
 * ```
 *
 * @module
 */
export { Device } from "./device/device.ts";
export type {
  DeviceKind,
  DeviceOptions,
  DeviceWatch,
  Scope,
} from "./device/device_options.ts";
export { freeMemory, openDevice } from "./device/open_deno.ts";
export { type OpenedGpu, openGpu } from "./device/open_gpu.ts";
export type { DeviceMemory } from "./device/pool.ts";
export type { DType, Tensor } from "./device/tensor.ts";
export type { NumberArray } from "./device/upload_bytes.ts";
export { linear, linearDx, type MoreProduct } from "./matmul/linear.ts";
export { tuneProducts } from "./matmul/tune_products.ts";
export type { Probe, Tuning, TuningOptions } from "./matmul/tune_products.ts";
export type { TuningStore } from "./matmul/tuning_store.ts";
export type { CodeDType } from "./matrix/codebooks.ts";
export {
  createMatrix,
  type Matrix,
  releaseMatrix,
  writeMatrixRows,
} from "./matrix/matrix.ts";
export type { MatrixDType } from "./matrix/matrix_bytes.ts";
export { softmax, type SoftmaxOptions } from "./vocabulary/softmax.ts";
