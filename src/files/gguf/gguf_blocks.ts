/**
 * Converts numbers to the bytes of GGUF tensors and back, and bounds the rounding error. Block
 * types have 32 codes and a float16 scale per block, chosen and rounded in float32 as ggml's
 * reference quantizers do. Knows no file.
 */
import { fromFloat32, toFloat32 } from "../safetensors/dtype.ts";
import { GGUF_TYPES, ggufBytes, type GgufType } from "./gguf.ts";

const BLOCK = 32;
const { fround } = Math;

/** The bytes of numbers, `[n]`. @throws RangeError unless they are whole blocks */
export function toGguf(
  values: Float32Array<ArrayBuffer>,
  type: GgufType,
): Uint8Array<ArrayBuffer> {
  if (type === "F32" || type === "F16" || type === "BF16") {
    return fromFloat32(values, type);
  }
  const bytes = new Uint8Array(ggufBytes(type, values.length));
  const view = new DataView(bytes.buffer);
  const put = type === "Q8_0" ? putQ8 : putQ4;
  const step = GGUF_TYPES[type].bytes;
  for (let i = 0; i < values.length / BLOCK; i++) {
    put(values.subarray(i * BLOCK, (i + 1) * BLOCK), view, i * step);
  }
  return bytes;
}

/** `d = max |x| / 127`, codes `round(x / d)`, halves away from zero. */
function putQ8(block: Float32Array, view: DataView, at: number): void {
  let most = 0;
  for (const x of block) most = Math.max(most, Math.abs(x));
  const scale = fround(most / 127);
  const inverse = scale === 0 ? 0 : fround(1 / scale);
  view.setFloat16(at, scale, true);
  block.forEach((x, i) => {
    const code = fround(x * inverse);
    view.setInt8(at + 2 + i, Math.trunc(code + 0.5 * Math.sign(code)));
  });
}

/**
 * `d = x / -8` of the largest |x|, codes `floor(x / d + 8.5)` up to 15; the low half byte is the
 * block's first half.
 */
function putQ4(block: Float32Array, view: DataView, at: number): void {
  let largest = 0;
  for (const x of block) if (Math.abs(x) > Math.abs(largest)) largest = x;
  const scale = fround(largest / -8);
  const inverse = scale === 0 ? 0 : fround(1 / scale);
  view.setFloat16(at, scale, true);
  const code = (x: number) =>
    Math.min(15, Math.trunc(fround(fround(x * inverse) + 8.5)));
  for (let i = 0; i < BLOCK / 2; i++) {
    const high = code(block[i + BLOCK / 2]!);
    view.setUint8(at + 2 + i, code(block[i]!) | high << 4);
  }
}

/** The numbers that bytes stand for. @throws RangeError unless they are whole blocks */
export function fromGguf(
  bytes: Uint8Array<ArrayBuffer>,
  type: GgufType,
): Float32Array<ArrayBuffer> {
  if (type === "F32" || type === "F16" || type === "BF16") {
    return toFloat32(bytes, type);
  }
  const step = GGUF_TYPES[type].bytes;
  if (bytes.length % step !== 0) {
    throw new RangeError(
      `Cannot read ${type} numbers: found ${bytes.length} bytes, expected a multiple of ${step}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float32Array(bytes.length / step * BLOCK);
  for (let i = 0; i < values.length; i++) {
    const at = Math.floor(i / BLOCK) * step;
    const scale = view.getFloat16(at, true);
    values[i] = scale * codeAt(view, at + 2, i % BLOCK, type);
  }
  return values;
}

function codeAt(
  view: DataView,
  at: number,
  i: number,
  type: "Q8_0" | "Q4_0",
): number {
  if (type === "Q8_0") return view.getInt8(at + i);
  const byte = view.getUint8(at + i % 16);
  return (i < 16 ? byte & 15 : byte >> 4) - 8;
}

/**
 * Relative and absolute rounding errors of float types: half the distance between neighbouring
 * numbers.
 */
const ROUNDING = {
  F32: [0, 0],
  F16: [2 ** -11, 2 ** -25],
  BF16: [2 ** -8, 2 ** -134],
} as const;

/**
 * The largest rounding error of a number in a block: half a step, or a whole step at the end of
 * q4_0's range that has no code, plus the rounding error of the scale times the largest code.
 *
 * @param most the largest |x| of its block; of a float type, the number's own
 */
function bound(type: GgufType, most: number): number {
  if (type === "F32" || type === "F16" || type === "BF16") {
    const [relative, absolute] = ROUNDING[type];
    return relative * most + absolute;
  }
  const [steps, codes] = type === "Q8_0" ? [0.5, 127] : [1, 8];
  const [relative, absolute] = ROUNDING.F16;
  // 2^-20: the float32 roundings on the way to a code
  return most / codes * steps + most * (relative + 2 ** -20) + codes * absolute;
}

/**
 * The first index at which the error is larger than the type allows; undefined if there is none.
 *
 * @param values the original numbers, `[n]`, whole blocks
 * @param restored the numbers after the conversion, `[n]`
 */
export function firstBeyondBound(
  values: Float32Array,
  restored: Float32Array,
  type: GgufType,
): number | undefined {
  const step = GGUF_TYPES[type].elements;
  for (let from = 0; from < values.length; from += step) {
    let most = 0;
    for (let i = from; i < from + step; i++) {
      most = Math.max(most, Math.abs(values[i]!));
    }
    const allowed = bound(type, most);
    for (let i = from; i < from + step; i++) {
      const distance = Math.abs(values[i]! - restored[i]!);
      if (!(distance <= allowed)) return i; // NaN too
    }
  }
  return undefined;
}
