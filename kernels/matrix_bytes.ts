/** How a matrix's rows lie in bytes: elements of a dtype, each row filled up to whole 16-byte words. Knows no device. */

/** Types that a weight may have. */
export type MatrixDType = "f32" | "f16" | "bf16";

/** Bytes of a word: four f32, or eight 16-bit elements. */
export const WORD_BYTES = 16;

const BYTES: Record<MatrixDType, number> = { f32: 4, f16: 2, bf16: 2 };

/** Bytes of rows as a checkpoint stores them, without filling. */
export function bytesOfRows(
  rows: number,
  cols: number,
  dtype: MatrixDType,
): number {
  return rows * cols * BYTES[dtype];
}

/** Words that one row takes. */
export function wordsPerRow(cols: number, dtype: MatrixDType): number {
  return Math.ceil(bytesOfRows(1, cols, dtype) / WORD_BYTES);
}

/** Fills each row of `from` bytes up to `to` bytes with zeros; the same array where nothing is to fill. */
export function padRows(
  bytes: Uint8Array,
  from: number,
  to: number,
): Uint8Array {
  if (from === to) return bytes;
  const rows = bytes.length / from;
  const padded = new Uint8Array(rows * to);
  for (let row = 0; row < rows; row++) {
    padded.set(bytes.subarray(row * from, (row + 1) * from), row * to);
  }
  return padded;
}

/** The numbers of filled-up rows, without the filling, `[rows, cols]`. */
export function decodeRows(
  bytes: ArrayBuffer,
  rows: number,
  cols: number,
  dtype: MatrixDType,
): Float32Array<ArrayBuffer> {
  const pitch = wordsPerRow(cols, dtype) * WORD_BYTES / BYTES[dtype];
  const from = decode(bytes, dtype);
  const values = new Float32Array(rows * cols);
  for (let row = 0; row < rows; row++) {
    values.set(from.subarray(row * pitch, row * pitch + cols), row * cols);
  }
  return values;
}

function decode(bytes: ArrayBuffer, dtype: MatrixDType): Float32Array {
  if (dtype === "f32") return new Float32Array(bytes);
  if (dtype === "f16") return new Float32Array(new Float16Array(bytes));
  // bf16 is the upper half of an f32
  const bits = Uint32Array.from(new Uint16Array(bytes), (half) => half << 16);
  return new Float32Array(bits.buffer);
}
