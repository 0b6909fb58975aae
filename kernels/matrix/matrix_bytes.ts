/**
 * How a matrix's rows lie in 16-byte words: four columns of one f32 row, four columns of two 16-bit
 * rows, four or eight columns of four rows of codes. Knows no device.
 *
 * In groups of rows, both directions of the product use the whole of each word that they load: the
 * sum over columns four columns of two outputs, the sum over rows two rows of four outputs. Words
 * follow row by row, or group by group; in textures those of four pairs of 16-bit rows take turns.
 */
import { type CodeDType, isCodeDType } from "./codebooks.ts";

/** Types that a weight may have. */
export type MatrixDType = "f32" | "f16" | "bf16" | CodeDType;

/** Bytes of a word. */
export const WORD_BYTES = 16;

/**
 * Rows whose elements share a word: of two, the even one is in the lower half of each 32 bits; of
 * four, each has 32 bits of its own.
 */
export const ROWS_PER_WORD: Record<MatrixDType, 1 | 2 | 4> = {
  f32: 1,
  f16: 2,
  bf16: 2,
  int8: 4,
  nf4: 4,
  fp4: 4,
};

/** The override `FORMAT` of kernels that read matrices of any type. */
export const FORMATS: Readonly<Record<MatrixDType, number>> = {
  f32: 0,
  bf16: 1,
  f16: 2,
  int8: 3,
  nf4: 4,
  fp4: 4,
};

/**
 * Pairs of 16-bit rows whose words take turns in the textures that CPU devices read. So a line of
 * the cache holds one step of a sum over columns, and a workgroup reads from few places of the
 * memory at a time, which the processor can fetch ahead.
 */
export const PAIRS_IN_TURN = 4;

/** How many rows, or groups of rows, take turns with their words; 1: row follows row. */
export type Turns = 1 | typeof PAIRS_IN_TURN;

/** How the rows of a type lie in a texture. */
export function turnsInTexture(dtype: MatrixDType): Turns {
  return ROWS_PER_WORD[dtype] === 2 ? PAIRS_IN_TURN : 1;
}

/** Columns whose elements share a word. */
export const COLS_PER_WORD: Record<MatrixDType, 4 | 8> = {
  f32: 4,
  f16: 4,
  bf16: 4,
  int8: 4,
  nf4: 8,
  fp4: 8,
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

/** Words that `rows` rows take from the first of a group on; of whole groups that take turns. */
export function wordsOfRows(
  rows: number,
  cols: number,
  dtype: MatrixDType,
  turns: Turns,
): number {
  const groups = Math.ceil(rows / ROWS_PER_WORD[dtype] / turns);
  return groups * turns * wordPitch(cols, dtype);
}

/**
 * The words of whole groups of rows, as a checkpoint stores them; what is left of a word is zero.
 */
export function packRows(
  bytes: Uint8Array,
  cols: number,
  dtype: MatrixDType,
  turns: Turns,
): Uint8Array {
  if (isCodeDType(dtype)) return fourRows(bytes, cols, dtype);
  return ROWS_PER_WORD[dtype] === 2
    ? pairRows(bytes, cols, turns)
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

function pairRows(
  bytes: Uint8Array,
  cols: number,
  turns: Turns,
): Uint8Array {
  const { buffer, byteOffset, length } = bytes.byteOffset % 2 === 0
    ? bytes
    : bytes.slice();
  const halves = new Uint16Array(buffer, byteOffset, length / 2);
  const rows = halves.length / cols;
  const words = new Uint32Array(4 * wordsOfRows(rows, cols, "bf16", turns));
  for (let row = 0; row < rows; row += 2) {
    const low = row * cols;
    const high = low + cols;
    const to = firstPart(row / 2, cols, turns);
    // past the last row there is nothing, which is zero in a shift
    for (let j = 0; j < cols; j++) {
      words[to + partAfter(j, turns)] = halves[low + j]! |
        (halves[high + j]! << 16);
    }
  }
  return new Uint8Array(words.buffer);
}

/** Where the first 32 bits of a pair of rows lie. */
function firstPart(pair: number, cols: number, turns: Turns): number {
  const turn = pair % turns;
  return 4 * ((pair - turn) * wordPitch(cols, "bf16") + turn);
}

/** How many 32-bit words after those of column 0 the ones of column j lie. */
function partAfter(j: number, turns: Turns): number {
  return (j >> 2) * 4 * turns + (j & 3);
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
 * @param first 0, or another row of the first group
 */
export function decodeRows(
  words: ArrayBuffer,
  { first, rows, cols, dtype, turns }: {
    readonly first: number;
    readonly rows: number;
    readonly cols: number;
    readonly dtype: Exclude<MatrixDType, CodeDType>;
    readonly turns: Turns;
  },
): Float32Array<ArrayBuffer> {
  const values = new Float32Array(rows * cols);
  const bits = new Uint32Array(values.buffer);
  const from = new Uint32Array(words);
  for (let i = 0; i < rows; i++) {
    const row = first + i;
    if (dtype === "f32") {
      const at = row * wordPitch(cols, dtype) * 4;
      bits.set(from.subarray(at, at + cols), i * cols);
      continue;
    }
    const at = firstPart(Math.floor(row / 2), cols, turns);
    const line = Uint32Array.from(
      { length: cols },
      (_, j) => from[at + partAfter(j, turns)]!,
    );
    decodeHalves(line, row % 2, dtype, values.subarray(i * cols));
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
