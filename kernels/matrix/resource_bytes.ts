/** What tensors and matrices hold on the device, their rounding included. */
import type { Matrix } from "./matrix.ts";
import { scalesStore } from "./matrix_scales.ts";
import type { Tensor } from "../device/tensor.ts";

const TEXEL_BYTES = 16;

/** Bytes of the buffer or texture behind a tensor. */
export function resourceBytes(resource: Tensor | GPUTexture): number {
  return resource instanceof GPUTexture
    ? resource.width * resource.height * TEXEL_BYTES
    : resource.buffer.size;
}

/** Bytes of all windows of a matrix. */
export function matrixBytes({ windows }: Matrix): number {
  return windows.reduce(
    (sum, { store, scales }) =>
      sum + resourceBytes(store) +
      (scales ? resourceBytes(scalesStore(scales)) : 0),
    0,
  );
}
