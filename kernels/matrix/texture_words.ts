/**
 * Copies between runs of 16-byte words and textures in the order of `flatTexture()`: word i is
 * texel `(i % FLAT_WIDTH, i / FLAT_WIDTH)`. A run is at most three rectangles: the end of a row,
 * whole rows, the start of one.
 */
import type { Device } from "../device/device.ts";
import { FLAT_WIDTH } from "../launch/flat_texture.ts";
import { WORD_BYTES } from "./matrix_bytes.ts";
import type { Tensor } from "../device/tensor.ts";

interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Words of the run before this rectangle. */
  readonly before: number;
}

/**
 * Copies `words` words of a tensor, from byte `offset` (a multiple of 16) on, to a texture from
 * word `first` on.
 */
export function fillTexture(
  device: Device,
  from: Tensor,
  texture: GPUTexture,
  first: number,
  words: number,
  offset = 0,
): void {
  const start = (from.byteOffset ?? 0) + offset;
  device.record((encoder) => {
    for (const rectangle of rectangles(first, words)) {
      const { x, y, width, height } = rectangle;
      encoder.copyBufferToTexture(
        bufferLayout(from.buffer, start, rectangle),
        { texture, origin: [x, y] },
        [width, height],
      );
    }
  });
}

/** Reads `words` words of a texture from word `first` on; waits for all recorded work. */
export async function readTexture(
  device: Device,
  texture: GPUTexture,
  first: number,
  words: number,
): Promise<ArrayBuffer> {
  const to = device.allocate([words * 4], "u32");
  device.record((encoder) => {
    for (const rectangle of rectangles(first, words)) {
      const { x, y, width, height } = rectangle;
      encoder.copyTextureToBuffer(
        { texture, origin: [x, y] },
        bufferLayout(to.buffer, 0, rectangle),
        [width, height],
      );
    }
  });
  const bytes = await device.readBytes(to);
  device.release(to);
  return bytes;
}

function bufferLayout(
  buffer: GPUBuffer,
  start: number,
  { width, height, before }: Rectangle,
): GPUTexelCopyBufferInfo {
  const rows = height > 1
    ? { bytesPerRow: width * WORD_BYTES, rowsPerImage: height }
    : {};
  return { buffer, offset: start + before * WORD_BYTES, ...rows };
}

function rectangles(first: number, words: number): Rectangle[] {
  const found: Rectangle[] = [];
  for (let before = 0; before < words;) {
    const x = (first + before) % FLAT_WIDTH;
    const y = Math.floor((first + before) / FLAT_WIDTH);
    const left = words - before;
    const height = x === 0 ? Math.max(1, Math.floor(left / FLAT_WIDTH)) : 1;
    const width = Math.min(left, FLAT_WIDTH - x);
    found.push({ x, y, width, height, before });
    before += width * height;
  }
  return found;
}
