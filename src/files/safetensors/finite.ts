/**
 * Whether numbers of a tensor are finite, by their bits: one whose exponent is all ones is NaN or
 * infinite. Weights of a broken run or a damaged download hold such, and everything that is
 * computed with them is lost.
 */
import type { Dtype } from "./dtype.ts";

/** The bits of the exponents in a word of 32 bits, and what makes full ones carry into the sign. */
const EXPONENTS: Readonly<
  Partial<Record<Dtype, readonly [mask: number, last: number]>>
> = {
  F32: [0x7f800000, 0x00800000],
  BF16: [0x7f807f80, 0x00800080],
  F16: [0x7c007c00, 0x04000400],
};

/** The sign bits of the words: of one number of 32 bits, or of two of 16. */
const SIGNS = { F32: 0x80000000, half: 0x80008000 } as const;

/** The words with their exponents carried into the signs, all or-ed together. */
function carried(words: Int32Array, mask: number, last: number): number {
  let bits = 0;
  for (let i = 0; i < words.length; i++) bits |= (words[i]! & mask) + last;
  return bits;
}

/**
 * The place of the first number that is not finite; undefined if there is none, or if the type is
 * no float of 16 or 32 bits.
 *
 * @param bytes whole numbers, little-endian, at a multiple of 4 in their buffer
 */
export function firstNotFinite(
  bytes: Uint8Array<ArrayBuffer>,
  dtype: Dtype,
): { readonly index: number; readonly value: number } | undefined {
  const exponents = EXPONENTS[dtype];
  if (exponents === undefined) return undefined;
  const signs = dtype === "F32" ? SIGNS.F32 : SIGNS.half;
  const { buffer, byteOffset, length } = bytes;
  const words = new Int32Array(buffer, byteOffset, length >> 2);
  const rest = bytes.subarray(words.byteLength);
  if (
    (carried(words, ...exponents) & signs) === 0 && !isLast(rest, exponents)
  ) return undefined;
  const view = new DataView(buffer, byteOffset, length);
  const size = dtype === "F32" ? 4 : 2;
  for (let index = 0; index * size < length; index++) {
    const value = size === 4
      ? view.getFloat32(index * size, true)
      : halfAt(view, index * size, dtype);
    if (!Number.isFinite(value)) return { index, value };
  }
  return undefined;
}

/** Whether one last number of 16 bits, beside no other in its word, is not finite. */
function isLast(
  rest: Uint8Array,
  [mask]: readonly [mask: number, last: number],
): boolean {
  if (rest.length < 2) return false;
  const exponent = mask & 0xffff;
  return ((rest[0]! | rest[1]! << 8) & exponent) === exponent;
}

/** A number of 16 bits, of which only matters here whether and how it is not finite. */
function halfAt(view: DataView, at: number, dtype: Dtype): number {
  const bits = view.getUint16(at, true);
  const [exponent, fraction] = dtype === "F16"
    ? [0x7c00, 0x03ff]
    : [0x7f80, 0x007f];
  if ((bits & exponent) !== exponent) return 0;
  if ((bits & fraction) !== 0) return NaN;
  return bits >> 15 === 1 ? -Infinity : Infinity;
}
