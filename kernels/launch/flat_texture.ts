/**
 * A tensor's words as a storage texture. CPU devices read a texture twelve times faster than a
 * buffer, and the copy runs at the memory's speed, so their kernels take their inputs this way. A
 * few words are copied by a kernel, or written by the kernel that makes them. Knows no op.
 */
import type { Device } from "../device/device.ts";
import { createShader } from "../device/shader.ts";
import { elements, type Tensor, tensorBytes } from "../device/tensor.ts";
import text from "./flat_texture.wgsl" with { type: "text" };

/** The numbers of a texel: four f32, or four u32 of any meaning. */
export type TexelFormat = "rgba32float" | "rgba32uint";

/** Texels in a row of a flat texture; a buffer of 128 MiB fills 16,384 rows of them. */
export const FLAT_WIDTH = 512;
/**
 * Texels that a row has beyond those, never read: without them rows of 1,024 or 2,048 numbers begin
 * whole multiples of 4 KB apart, in the same few sets of a processor's first cache, and products of
 * such widths lose up to a fifth.
 */
const SPARE_WIDTH = 4;
const TEXEL_BYTES = 16;

/**
 * A copy ends the pass of the launches before it, and a pass costs the processor up to 50 us where
 * a model's buffers are alive, more than a kernel takes for a few words.
 */
export const FEW_WORDS = 4096;

/** The kernels that copy a few words. */
export const flatTextureShader = createShader<{ FORMAT: TexelFormat }>(
  { name: "flat_texture.wgsl", text },
  {
    nameOf: ({ FORMAT }) => `flat_texture_${FORMAT}`,
    used: () => [{ FORMAT: "rgba32float" }, { FORMAT: "rgba32uint" }],
  },
);

/** Bytes of a texture for `words` 16-byte words. */
export function flatBytes(words: number): number {
  return flatRows(words) * (FLAT_WIDTH + SPARE_WIDTH) * TEXEL_BYTES;
}

/**
 * Rows of a texture for `words` 16-byte words, never a power of two: lavapipe compiles a kernel
 * anew, a second each, for every combination of textures whose sides are powers of two and textures
 * whose sides are not.
 */
function flatRows(words: number): number {
  const rows = Math.max(3, Math.ceil(words / FLAT_WIDTH));
  return (rows & (rows - 1)) === 0 ? rows + 1 : rows;
}

/** A texture for `words` 16-byte words in the order of `flatTexture()`, with arbitrary contents. */
export function allocateFlat(
  device: Device,
  format: TexelFormat,
  words: number,
): GPUTexture {
  const most = device.gpu.limits.maxTextureDimension2D;
  const rows = Math.min(flatRows(words), most);
  return device.allocateTexture(format, FLAT_WIDTH + SPARE_WIDTH, rows);
}

/**
 * A tensor of whole words with the texture that a kernel fills beside it, both with arbitrary
 * contents.
 */
export function allocateWithFlat(
  device: Device,
  shape: readonly number[],
): Tensor & { readonly flat: GPUTexture } {
  const flat = allocateFlat(device, "rgba32float", elements(shape) / 4);
  return { ...device.allocate(shape), flat };
}

/**
 * Copies a tensor to a texture of `FLAT_WIDTH` texels a row and some to spare: word i becomes
 * component `i % 4` of texel `(i / 4 % FLAT_WIDTH, i / 4 / FLAT_WIDTH)`. A snapshot: later writes
 * to the tensor do not show in it.
 */
export function flatTexture(
  device: Device,
  tensor: Tensor,
  format: TexelFormat = "rgba32float",
): GPUTexture {
  const texels = Math.ceil(
    tensorBytes(tensor.shape, tensor.dtype) / TEXEL_BYTES,
  );
  const whole = Math.floor(texels / FLAT_WIDTH);
  const rest = texels - whole * FLAT_WIDTH;
  const rows = bucketRows(whole + Math.sign(rest));
  const texture = allocateFlat(device, format, rows * FLAT_WIDTH);
  if (texels <= FEW_WORDS && texels > 0) {
    const groups = Math.ceil(texels / 64);
    const kernel = flatTextureShader.kernel({ FORMAT: format });
    device.launch(kernel, { x: tensor, texture }, { words: texels }, [groups]);
    return texture;
  }
  copyToTexture(device, tensor, texture, { width: FLAT_WIDTH, height: whole });
  if (rest > 0) {
    const offset = whole * FLAT_WIDTH * TEXEL_BYTES;
    copyToTexture(device, tensor, texture, {
      width: rest,
      height: 1,
      y: whole,
      offset,
    });
  }
  return texture;
}

/** Rounded so that batches of nearly equal length share textures; at most 12.5 % is lost. */
function bucketRows(rows: number): number {
  const step = Math.max(1, 2 ** (Math.floor(Math.log2(rows)) - 3));
  return Math.ceil(rows / step) * step;
}

/** Copies texels from byte `offset` of a tensor, row after row, to row `y` on of a texture. */
export function copyToTexture(
  device: Device,
  tensor: Tensor,
  texture: GPUTexture,
  { width, height, y = 0, offset = 0 }: {
    width: number;
    height: number;
    y?: number;
    offset?: number;
  },
): void {
  if (height === 0) return;
  const start = (tensor.byteOffset ?? 0) + offset;
  const rows = height > 1
    ? { bytesPerRow: width * TEXEL_BYTES, rowsPerImage: height }
    : {};
  device.record((encoder) =>
    encoder.copyBufferToTexture(
      { buffer: tensor.buffer, offset: start, ...rows },
      { texture, origin: [0, y] },
      [width, height],
    )
  );
}
