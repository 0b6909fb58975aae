/**
 * How a matrix's rows lie in 16-byte words: four columns of one f32 row, four columns of two 16-bit rows, four or
 * eight columns of four rows of codes. Knows no device.
 *
 * In groups of rows, both directions of the product use the whole of each word that they load: the sum over columns
 * four columns of two outputs, the sum over rows two rows of four outputs.
 */
import { type CodeDType, isCodeDType } from "./codebooks.ts";

/** Types that a weight may have. */
export type MatrixDType = "f32" | "f16" | "bf16" | CodeDType;

/** Bytes of a word. */
export const WORD_BYTES = 16;

/**
 * Rows whose elements share a word: of two, the even one is in the lower half of each 32 bits; of four, each has 32
 * bits of its own.
 */
export const ROWS_PER_WORD: Record<MatrixDType, 1 | 2 | 4> = {
  f32: 1,
  ...{ f16: 2, bf16: 2 },
  ...{ int8: 4, nf4: 4, fp4: 4 },
};

/** Columns whose elements share a word. */
export const COLS_PER_WORD: Record<MatrixDType, 4 | 8> = {
  ...{ f32: 4, f16: 4, bf16: 4 },
  ...{ int8: 4, nf4: 8, fp4: 8 },
};

/** Bytes of rows as a checkpoint stores them; of codes without their scales. */
export function bytesOfRows(
  rows: number,
  cols: number,
  dtype: MatrixDType,
): number {
  return rows * cols * WORD_BYTES / ROWS_PER_WORD[dtype] /
    COLS_PER_WORD[dtype];
}

/** Words from one row, or group of rows, to the next. */
export function wordPitch(cols: number, dtype: MatrixDType): number {
  return Math.ceil(cols / COLS_PER_WORD[dtype]);
}

/** Words that `rows` rows take from the first of a group on. */
export function wordsOfRows(
  rows: number,
  cols: number,
  dtype: MatrixDType,
): number {
  return Math.ceil(rows / ROWS_PER_WORD[dtype]) * wordPitch(cols, dtype);
}

/** The words of whole groups of rows, as a checkpoint stores them; what is left of a word is zero. */
export function packRows(
  bytes: Uint8Array,
  cols: number,
  dtype: MatrixDType,
): Uint8Array {
  if (isCodeDType(dtype)) return fourRows(bytes, cols, dtype);
  return ROWS_PER_WORD[dtype] === 2
    ? pairRows(bytes, cols)
    : fillRows(bytes, cols);
}

function fillRows(bytes: Uint8Array, cols: number): Uint8Array {
  const from = cols * 4;
  const to = wordPitch(cols, "f32") * WORD_BYTES;
  if (from === to) return bytes;
  const rows = bytes.length / from;
  const filled = new Uint8Array(rows * to);
  for (let row = 0; row < rows; row++) {
    filled.set(bytes.subarray(row * from, (row + 1) * from), row * to);
  }
  return filled;
}

function pairRows(bytes: Uint8Array, cols: number): Uint8Array {
  const { buffer, byteOffset, length } = bytes.byteOffset % 2 === 0
    ? bytes
    : bytes.slice();
  const halves = new Uint16Array(buffer, byteOffset, length / 2);
  const rows = halves.length / cols;
  const pitch = wordPitch(cols, "bf16") * 4;
  const words = new Uint32Array(Math.ceil(rows / 2) * pitch);
  for (let row = 0; row < rows; row += 2) {
    const low = row * cols;
    const high = low + cols;
    const to = row / 2 * pitch;
    // past the last row there is nothing, which is zero in a shift
    for (let j = 0; j < cols; j++) {
      words[to + j] = halves[low + j]! | (halves[high + j]! << 16);
    }
  }
  return new Uint8Array(words.buffer);
}

/** Four rows of codes take turns, 32 bits each. */
function fourRows(
  bytes: Uint8Array,
  cols: number,
  dtype: CodeDType,
): Uint8Array {
  const rowBytes = bytesOfRows(1, cols, dtype);
  const rows = bytes.length / rowBytes;
  const pitch = wordPitch(cols, dtype) * WORD_BYTES;
  const words = new Uint8Array(Math.ceil(rows / 4) * pitch);
  for (let row = 0; row < rows; row++) {
    const from = row * rowBytes;
    const to = Math.floor(row / 4) * pitch + row % 4 * 4;
    for (let j = 0; j < rowBytes; j++) {
      words[to + Math.floor(j / 4) * WORD_BYTES + j % 4] = bytes[from + j]!;
    }
  }
  return words;
}

/**
 * The numbers of rows `[first, first + rows)` of packed floats, `[rows, cols]`.
 *
 * @param first 0, or 1 for the second row of the first pair
 */
export function decodeRows(
  words: ArrayBuffer,
  first: number,
  rows: number,
  cols: number,
  dtype: Exclude<MatrixDType, CodeDType>,
): Float32Array<ArrayBuffer> {
  const values = new Float32Array(rows * cols);
  const bits = new Uint32Array(values.buffer);
  const pitch = wordPitch(cols, dtype) * 4;
  const from = new Uint32Array(words);
  for (let i = 0; i < rows; i++) {
    const row = first + i;
    const at = Math.floor(row / ROWS_PER_WORD[dtype]) * pitch;
    const line = from.subarray(at, at + cols);
    if (dtype === "f32") bits.set(line, i * cols);
    else decodeHalves(line, row % 2, dtype, values.subarray(i * cols));
  }
  return values;
}

function decodeHalves(
  line: Uint32Array,
  half: number,
  dtype: "f16" | "bf16",
  to: Float32Array,
): void {
  const halves = Uint16Array.from(line, (word) => word >>> (16 * half));
  if (dtype === "f16") to.set(new Float16Array(halves.buffer));
  else {
    // bf16 is the upper half of an f32
    const bits = Uint32Array.from(halves, (bf16) => bf16 << 16);
    to.set(new Float32Array(bits.buffer));
  }
}
