/**
 * Numbers to the bytes of GGUF tensors and back, and how far they may be apart. Block types have 32
 * codes and one float16 scale per block, chosen and rounded as ggml's reference quantisers do, in
 * float32. Knows no file.
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
      `Cannot read ${type} numbers: found ${bytes.length} bytes, wanted a multiple of ${step}`,
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

/** Relative and absolute distance of float types, half of what neighbours are apart. */
const ROUNDING = {
  F32: [0, 0],
  F16: [2 ** -11, 2 ** -25],
  BF16: [2 ** -8, 2 ** -134],
} as const;

/**
 * How far one number of a block may be from what it was: half a step, a whole one at q4_0's end
 * that has no code; and the scale's own rounding, times the largest code.
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
 * The first place where numbers are further from what they were than their type explains; undefined
 * if there is none.
 *
 * @param values what they were, `[n]`, whole blocks
 * @param restored what came back, `[n]`
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
