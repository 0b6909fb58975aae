/**
 * Rows that are written a few at a time and read as a whole, such as the keys of an answer that
 * grows: a flat texture on CPUs, where a read of a tensor would first copy all rows to one, and a
 * tensor on GPUs. Knows no op.
 */
import { FLAT_WIDTH, flatTexture } from "../launch/flat_texture.ts";
import type { Device } from "../device/device.ts";
import { readsTextures } from "../device/paths.ts";
import type { Tensor } from "../device/tensor.ts";

/** `[rows, cols]` f32. */
export interface RowStore {
  readonly rows: number;
  readonly cols: number;
  /** A texture in the order of `flatTexture()`, or a tensor `[rows, cols]`. */
  readonly store: Tensor | GPUTexture;
}

/** Makes rows of zeros, each of so many heads of so many columns; owned like a tensor. */
export function createRowStore(
  device: Device,
  rows: number,
  { heads, headDim }: { readonly heads: number; readonly headDim: number },
): RowStore {
  const cols = heads * headDim;
  const zeros = device.zeros([rows, cols]);
  const height = Math.ceil(rows * cols / 4 / FLAT_WIDTH);
  // flat textures round their height up by at most an eighth
  const fits = height * 1.125 <= device.gpu.limits.maxTextureDimension2D;
  const whole = headDim % 4 === 0 && rows > 0; // texels
  if (!readsTextures(device) || !whole || !fits) {
    return { rows, cols, store: zeros };
  }
  const store = flatTexture(device, zeros);
  device.release(zeros);
  return { rows, cols, store };
}
