/**
 * The scales beside a matrix of codes, as the products read them: a 16-byte word has those of four
 * rows, block by block along the rows. In 4 bits the numbers of the codes stand before them: 16, or
 * for CPU devices, which look up a byte at a time, those of 256 pairs. Knows no product.
 */
import { BLOCK, CODEBOOKS, type CodeDType, isCodeDType } from "./codebooks.ts";
import type { Device } from "../device/device.ts";
import { readsTextures } from "../device/paths.ts";
import { allocateFlat } from "../launch/flat_texture.ts";
import type { MatrixDType } from "./matrix_bytes.ts";
import {
  allocateNested,
  type NestedWindow,
  restoredScales,
  writeNested,
} from "./nested_scales.ts";
import { type NestedScales, nestScales } from "./quantize.ts";
import type { Tensor } from "../device/tensor.ts";
import { fillTexture } from "./texture_words.ts";

const ROWS = 4;

/** Scales of a window, plain or nested. */
export type WindowScales = Tensor | GPUTexture | NestedWindow;

/** What holds the scales of a window. */
export function scalesStore(scales: WindowScales): Tensor | GPUTexture {
  return "words" in scales ? scales.words : scales;
}

/** Scales as the products read them. */
export interface OpenScales extends Disposable {
  readonly store: Tensor | GPUTexture | undefined;
}

/** The scales of a window as the products read them; disposal frees what was made for that. */
export function openScales(
  device: Device,
  scales: WindowScales | undefined,
): OpenScales {
  if (scales === undefined || !("words" in scales)) {
    return { store: scales, [Symbol.dispose]() {} };
  }
  const store = restoredScales(device, scales);
  return { store, [Symbol.dispose]: () => device.release(store) };
}

/** Scales of a row. */
export function blocksOfRow(cols: number, dtype: CodeDType): number {
  return dtype === "int8" ? 1 : cols / BLOCK;
}

/**
 * Words before the scales of 4 bits on CPU devices: the first two numbers are those of a byte's
 * codes.
 */
export const PAIRS = 256;

/** Rows `[first, first + rows)` of a matrix of codes. */
interface WindowShape {
  readonly first: number;
  readonly rows: number;
  readonly cols: number;
  readonly dtype: CodeDType;
  readonly nested: boolean;
}

/** Scales of a window, with arbitrary contents; owned like a tensor. */
export function allocateScales(
  device: Device,
  { first, rows, cols, dtype, nested }: WindowShape,
): WindowScales {
  const blocks = blocksOfRow(cols, dtype);
  const before = numbersOf(device, dtype).length / ROWS;
  if (nested && dtype !== "int8") {
    return allocateNested(device, { first, rows, blocks, before });
  }
  const words = Math.ceil(rows / ROWS) * blocks + before;
  return readsTextures(device)
    ? allocateFlat(device, "rgba32float", words)
    : device.allocate([words * ROWS]);
}

/** A matrix, as far as its scales are concerned. */
interface ScaledMatrix {
  readonly rows: number;
  readonly cols: number;
  readonly dtype: MatrixDType;
  readonly windows: readonly {
    readonly first: number;
    readonly rows: number;
    readonly scales?: WindowScales | undefined;
  }[];
}

/**
 * Overwrites the scales of all rows of a matrix of codes; nested ones are quantised here, unless
 * they are given.
 *
 * @param scales what a code's number is multiplied by, `[rows, blocks]`: of 64 columns in 4 bits,
 * of a row in int8
 * @param given the same scales as they are nested elsewhere
 * @throws {TypeError} if the matrix has none or another number of them
 */
export function writeMatrixScales(
  device: Device,
  { rows, cols, dtype, windows }: ScaledMatrix,
  scales: Float32Array,
  given?: NestedScales,
): void {
  const blocks = isCodeDType(dtype) ? blocksOfRow(cols, dtype) : 0;
  if (!isCodeDType(dtype) || scales.length !== rows * blocks) {
    throw new TypeError(
      `Cannot write scales of a ${dtype} matrix [${rows}, ${cols}]: ${scales.length} numbers, expected ${
        rows * blocks
      }`,
    );
  }
  const nested = windows.some(({ scales }) => scales && "words" in scales)
    ? given ?? nestScales(scales)
    : undefined;
  for (const { first, rows, scales: store } of windows) {
    if (store && "words" in store) {
      writeNested(device, store, nested!, numbersOf(device, dtype));
    } else if (store) {
      const part = scales.subarray(first * blocks, (first + rows) * blocks);
      writeScales(device, store, part, [cols, dtype]);
    }
  }
}

/** Overwrites all that is in a plain store. @param scales `[rows, blocks]` */
function writeScales(
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
function numbersOf(device: Device, dtype: CodeDType): Float32Array {
  if (dtype === "int8") return new Float32Array();
  const book = CODEBOOKS[dtype];
  if (!readsTextures(device)) return book;
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
