/**
 * The scales beside a matrix of codes, as the products read them: a 16-byte word has those of four rows, block by
 * block along the rows. In 4 bits the numbers of the codes stand before them: 16, or for CPU adapters, which look up a
 * byte at a time, those of 256 pairs. Knows no product.
 */
import { BLOCK, CODEBOOKS, type CodeDType } from "./codebooks.ts";
import type { Device } from "./device.ts";
import { FLAT_WIDTH } from "./flat_texture.ts";
import type { Tensor } from "./tensor.ts";
import { fillTexture } from "./texture_words.ts";

const ROWS = 4;

/** Scales of a row. */
export function blocksOfRow(cols: number, dtype: CodeDType): number {
  return dtype === "int8" ? 1 : cols / BLOCK;
}

/** Words before the scales of 4 bits on CPU adapters: the first two numbers are those of a byte's codes. */
export const PAIRS = 256;
/** Scales of so many rows, with arbitrary contents; owned like a tensor. */
export function allocateScales(
  device: Device,
  [rows, cols]: readonly [rows: number, cols: number],
  dtype: CodeDType,
): Tensor | GPUTexture {
  const words = Math.ceil(rows / ROWS) * blocksOfRow(cols, dtype) +
    numbersOf(device, dtype).length / ROWS;
  return device.variant === "panel"
    ? device.allocateTexture(
      "rgba32float",
      FLAT_WIDTH,
      Math.ceil(words / FLAT_WIDTH),
    )
    : device.allocate([words * ROWS]);
}

/** Overwrites all that is in a store. @param scales `[rows, blocks]` */
export function writeScales(
  device: Device,
  store: Tensor | GPUTexture,
  scales: Float32Array,
  [cols, dtype]: readonly [cols: number, dtype: CodeDType],
): void {
  const numbers = numbersOf(device, dtype);
  const words = interleaved(scales, blocksOfRow(cols, dtype), numbers);
  if (!(store instanceof GPUTexture)) {
    device.write(store, words);
    return;
  }
  const staged = device.upload(words, [words.length]);
  fillTexture(device, staged, store, 0, words.length / ROWS);
  device.release(staged);
}

/** What stands before the scales. */
function numbersOf({ variant }: Device, dtype: CodeDType): Float32Array {
  if (dtype === "int8") return new Float32Array();
  const book = CODEBOOKS[dtype];
  if (variant === "tile") return book;
  const pairs = new Float32Array(PAIRS * ROWS);
  for (let byte = 0; byte < PAIRS; byte++) {
    // the first code of a byte is in its upper half
    pairs.set([book[byte >> 4]!, book[byte & 15]!], byte * ROWS);
  }
  return pairs;
}

/** Rows of the last four that are not there have scales of 0: their codes count for nothing. */
function interleaved(
  scales: Float32Array,
  blocks: number,
  before: Float32Array,
): Float32Array<ArrayBuffer> {
  const rows = scales.length / blocks;
  const groups = Math.ceil(rows / ROWS);
  const words = new Float32Array(before.length + groups * blocks * ROWS);
  words.set(before);
  const own = words.subarray(before.length);
  for (let row = 0; row < rows; row++) {
    const first = Math.floor(row / ROWS) * blocks;
    for (let block = 0; block < blocks; block++) {
      own[(first + block) * ROWS + row % ROWS] = scales[row * blocks + block]!;
    }
  }
  return words;
}
