/**
 * Float weights to codes and scales, and back, on the CPU as they arrive from a file: int8 with a
 * scale per row, NF4 and FP4 with one per 64 numbers of the flattened weight, and the double
 * quantisation of those. Knows no device.
 *
 * The nearest number wins; halfway between two, the lower one.
 */
import { BLOCK, CODEBOOKS, type CodeDType, DYNAMIC_MAP } from "./codebooks.ts";

/**
 * Codes, in 4 bits the first of each byte in the upper half, and the largest magnitude of each row
 * or block.
 */
export interface Codes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly absmax: Float32Array<ArrayBuffer>;
}

/** Scales that share a second scale. */
export const NESTED_BLOCK = 256;
const INT8_MOST = 127;
/** Numbers around it have no fraction: adding it rounds, ties to even. */
const WHOLE = 1.5 * 2 ** 52;

/** Quantises whole rows of a weight `[rows, cols]`; in 4 bits the first number begins a block. */
export function quantize(
  values: Float32Array,
  cols: number,
  dtype: CodeDType,
): Codes {
  if (dtype === "int8") return quantizeRows(values, cols);
  const book = bookOf(CODEBOOKS[dtype]);
  const absmax = largest(values, BLOCK);
  const bytes = new Uint8Array(Math.ceil(values.length / 2));
  for (let block = 0; block < absmax.length; block++) {
    const scale = absmax[block]!;
    const end = Math.min((block + 1) * BLOCK, values.length);
    for (let i = block * BLOCK; i < end; i++) {
      const scaled = scale === 0 ? 0 : Math.fround(values[i]! / scale);
      bytes[i >> 1]! |= nearest(book, scaled) << (i % 2 === 0 ? 4 : 0);
    }
  }
  return { bytes, absmax };
}

/** code = round(127 x / absmax), ties to even. */
function quantizeRows(values: Float32Array, cols: number): Codes {
  const absmax = largest(values, cols);
  const codes = new Int8Array(values.length);
  for (let row = 0; row < absmax.length; row++) {
    const scale = absmax[row]!;
    if (scale === 0) continue;
    for (let i = row * cols; i < (row + 1) * cols; i++) {
      codes[i] = values[i]! * INT8_MOST / scale + WHOLE - WHOLE;
    }
  }
  return { bytes: new Uint8Array(codes.buffer), absmax };
}

/**
 * The numbers that codes stand for. @param absmax those of the rows or blocks of these codes,
 * restored ones if nested
 */
export function dequantize(
  { bytes, absmax }: Codes,
  [rows, cols]: readonly [rows: number, cols: number],
  dtype: CodeDType,
): Float32Array<ArrayBuffer> {
  const values = new Float32Array(rows * cols);
  if (dtype === "int8") {
    const codes = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    return values.map((_, i) =>
      codes[i]! * (absmax[Math.floor(i / cols)]! / INT8_MOST)
    );
  }
  const book = CODEBOOKS[dtype];
  return values.map((_, i) =>
    book[(bytes[i >> 1]! >> (i % 2 === 0 ? 4 : 0)) & 15]! *
    absmax[Math.floor(i / BLOCK)]!
  );
}

/** What a code's number is multiplied by, from the largest magnitude of its row or block. */
export function scalesOf(
  absmax: Float32Array,
  dtype: CodeDType,
): Float32Array {
  return dtype === "int8" ? absmax.map((most) => most / INT8_MOST) : absmax;
}

/** Doubly quantised scales: `map[code] * absmax + offset`. */
export interface NestedScales {
  /** A byte for each scale. */
  readonly codes: Uint8Array<ArrayBuffer>;
  /** The largest magnitude of each 256 scales, after `offset` is taken from them. */
  readonly absmax: Float32Array<ArrayBuffer>;
  /** The mean of all scales. */
  readonly offset: number;
}

/** Quantises the scales of a whole weight. */
export function nestScales(scales: Float32Array): NestedScales {
  const sum = scales.reduce((all, scale) => all + scale, 0);
  const offset = Math.fround(sum / scales.length);
  const around = scales.map((scale) => scale - offset);
  const absmax = largest(around, NESTED_BLOCK);
  const book = bookOf(DYNAMIC_MAP);
  const codes = Uint8Array.from(around, (value, i) => {
    const most = absmax[Math.floor(i / NESTED_BLOCK)]!;
    return nearest(book, most === 0 ? 0 : Math.fround(value / most));
  });
  return { codes, absmax, offset };
}

/** The scales that nested ones stand for. */
export function restoreScales(
  { codes, absmax, offset }: NestedScales,
): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    codes,
    (code, i) =>
      Math.fround(
        DYNAMIC_MAP[code]! * absmax[Math.floor(i / NESTED_BLOCK)]!,
      ) + offset,
  );
}

/** The largest magnitude of each `length` numbers; the last group may be short. */
function largest(
  values: Float32Array,
  length: number,
): Float32Array<ArrayBuffer> {
  const absmax = new Float32Array(Math.ceil(values.length / length));
  for (let group = 0; group < absmax.length; group++) {
    const end = Math.min((group + 1) * length, values.length);
    // a NaN stays, and shows in the first loss
    let most = 0;
    for (let i = group * length; i < end; i++) {
      most = Math.max(most, Math.abs(values[i]!));
    }
    absmax[group] = most;
  }
  return absmax;
}

/** Codes in ascending order of their numbers, and the borders between them, all within [-1, 1]. */
interface Book {
  readonly codes: Uint8Array;
  readonly borders: Float64Array;
  /** How many borders lie below each 512th of the range. */
  readonly below: Uint8Array;
}

const PARTS = 512;

const books = new WeakMap<Float32Array, Book>();

function bookOf(numbers: Float32Array): Book {
  const known = books.get(numbers);
  if (known) return known;
  // equal numbers, the zeros of FP4, are the first code's
  const codes = [...numbers.keys()]
    .filter((code) => numbers.indexOf(numbers[code]!) === code)
    .sort((a, b) => numbers[a]! - numbers[b]!);
  const borders = codes.slice(1).map((code, i) =>
    (numbers[codes[i]!]! + numbers[code]!) / 2
  );
  const book = {
    codes: Uint8Array.from(codes),
    borders: Float64Array.from(borders),
    below: Uint8Array.from(
      { length: 2 * PARTS + 1 },
      (_, i) => borders.filter((border) => border < i / PARTS - 1).length,
    ),
  };
  books.set(numbers, book);
  return book;
}

/** The code whose number is nearest: as many borders as lie below the value. */
function nearest({ codes, borders, below }: Book, value: number): number {
  // the part before the value's, since adding 1 rounds
  let count = below[Math.max(0, Math.floor((value + 1) * PARTS) - 1)] ?? 0;
  while (borders[count]! < value) count++;
  return codes[count]!;
}
