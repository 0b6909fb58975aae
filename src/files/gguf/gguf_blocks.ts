/**
 * Converts numbers to the bytes of GGUF tensors and back, and bounds the rounding error. Types of
 * 32 codes and a float16 scale per block are chosen and rounded in float32 as ggml's reference
 * quantizers do; blocks of 256 are k_quants.ts's. Knows no file.
 */
import {
  type FloatDtype,
  fromFloat32,
  toFloat32,
} from "../safetensors/dtype.ts";
import { GGUF_TYPES, ggufBytes, type GgufType } from "./gguf.ts";
import { getKQuant, type KQuantType, putKQuant } from "./k_quants.ts";

const BLOCK = 32;
const { fround } = Math;

/** How a block of a type is written and read. */
interface BlockCodec {
  readonly put: (block: Float32Array, view: DataView, at: number) => void;
  readonly get: (view: DataView, at: number, values: Float32Array) => void;
}

type BlockType = Exclude<GgufType, FloatDtype>;

const kQuant = (type: KQuantType): BlockCodec => ({
  put: (block, view, at) => putKQuant(block, view, at, type),
  get: (view, at, values) => getKQuant(view, at, type, values),
});

const CODECS: Readonly<Record<BlockType, BlockCodec>> = {
  Q4_0: { put: putQ4, get: getQ4 },
  Q5_0: { put: putQ5, get: getQ5 },
  Q5_1: { put: putQ5Range, get: getQ5Range },
  Q8_0: { put: putQ8, get: getQ8 },
  Q4_K: kQuant("Q4_K"),
  Q5_K: kQuant("Q5_K"),
  Q6_K: kQuant("Q6_K"),
};

function isFloat(type: GgufType): type is FloatDtype {
  return type === "F32" || type === "F16" || type === "BF16";
}

/** The bytes of numbers, `[n]`. @throws RangeError unless they are whole blocks */
export function toGguf(
  values: Float32Array<ArrayBuffer>,
  type: GgufType,
): Uint8Array<ArrayBuffer> {
  if (isFloat(type)) return fromFloat32(values, type);
  const bytes = new Uint8Array(ggufBytes(type, values.length));
  const view = new DataView(bytes.buffer);
  const { bytes: step, elements } = GGUF_TYPES[type];
  const { put } = CODECS[type];
  for (let i = 0; i < values.length / elements; i++) {
    put(values.subarray(i * elements, (i + 1) * elements), view, i * step);
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

/**
 * As q4_0 with five bits: `d = x / -16` of the largest |x|, codes `floor(x / d + 16.5)` up to 31.
 * Fifth bits lie in a word of 32 bits, by the number's place.
 */
function putQ5(block: Float32Array, view: DataView, at: number): void {
  let largest = 0;
  for (const x of block) if (Math.abs(x) > Math.abs(largest)) largest = x;
  const scale = fround(largest / -16);
  const inverse = scale === 0 ? 0 : fround(1 / scale);
  view.setFloat16(at, scale, true);
  const code = (x: number) =>
    Math.min(31, Math.trunc(fround(fround(x * inverse) + 16.5)));
  putFiveBits(block, view, at + 2, code);
}

/** `d = (most - least) / 31`, codes `floor((x - least) / d + 0.5)`, and `least` as a float16. */
function putQ5Range(block: Float32Array, view: DataView, at: number): void {
  let [least, most] = [Infinity, -Infinity];
  for (const x of block) {
    least = Math.min(least, x);
    most = Math.max(most, x);
  }
  const scale = fround(fround(most - least) / 31);
  const inverse = scale === 0 ? 0 : fround(1 / scale);
  view.setFloat16(at, scale, true);
  view.setFloat16(at + 2, least, true);
  const code = (x: number) =>
    Math.min(31, Math.trunc(fround(fround(fround(x - least) * inverse) + 0.5)));
  putFiveBits(block, view, at + 4, code);
}

function putFiveBits(
  block: Float32Array,
  view: DataView,
  at: number,
  codeOf: (x: number) => number,
): void {
  let fifth = 0;
  for (let i = 0; i < BLOCK / 2; i++) {
    const [low, high] = [codeOf(block[i]!), codeOf(block[i + BLOCK / 2]!)];
    view.setUint8(at + 4 + i, low & 15 | (high & 15) << 4);
    fifth |= low >> 4 << i | high >> 4 << i + BLOCK / 2;
  }
  view.setUint32(at, fifth >>> 0, true);
}

function fiveBits(view: DataView, at: number, i: number): number {
  const byte = view.getUint8(at + 4 + i % 16);
  const low = i < 16 ? byte & 15 : byte >> 4;
  return low | (view.getUint32(at, true) >>> i & 1) << 4;
}

function getQ8(view: DataView, at: number, values: Float32Array): void {
  const scale = view.getFloat16(at, true);
  for (let i = 0; i < BLOCK; i++) values[i] = scale * view.getInt8(at + 2 + i);
}

function getQ4(view: DataView, at: number, values: Float32Array): void {
  const scale = view.getFloat16(at, true);
  for (let i = 0; i < BLOCK; i++) {
    const byte = view.getUint8(at + 2 + i % 16);
    values[i] = scale * ((i < 16 ? byte & 15 : byte >> 4) - 8);
  }
}

function getQ5(view: DataView, at: number, values: Float32Array): void {
  const scale = view.getFloat16(at, true);
  for (let i = 0; i < BLOCK; i++) {
    values[i] = scale * (fiveBits(view, at + 2, i) - 16);
  }
}

function getQ5Range(view: DataView, at: number, values: Float32Array): void {
  const [scale, least] = [
    view.getFloat16(at, true),
    view.getFloat16(at + 2, true),
  ];
  for (let i = 0; i < BLOCK; i++) {
    values[i] = fround(scale * fiveBits(view, at + 4, i)) + least;
  }
}

/** The numbers that bytes stand for. @throws RangeError unless they are whole blocks */
export function fromGguf(
  bytes: Uint8Array<ArrayBuffer>,
  type: GgufType,
): Float32Array<ArrayBuffer> {
  if (isFloat(type)) return toFloat32(bytes, type);
  const { bytes: step, elements } = GGUF_TYPES[type];
  if (bytes.length % step !== 0) {
    throw new RangeError(
      `Cannot read ${type} numbers: found ${bytes.length} bytes, expected a multiple of ${step}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks = bytes.length / step;
  const values = new Float32Array(blocks * elements);
  const { get } = CODECS[type];
  for (let i = 0; i < blocks; i++) {
    get(view, i * step, values.subarray(i * elements, (i + 1) * elements));
  }
  return values;
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
 * The largest error of a number in a block of codes, by the largest |x| of the block: steps of the
 * codes, how many of them |x| has, and the largest factor of the block's float16. A whole step is
 * that of an end of the range that has no code; a range of both signs has half as many codes on
 * each side. The scales of K blocks are codes themselves, so a group of small numbers may take the
 * error of the largest.
 */
const STEPS: Readonly<
  Record<BlockType, readonly [steps: number, codes: number, factor: number]>
> = {
  Q4_0: [1, 8, 8],
  Q5_0: [1, 16, 16],
  Q5_1: [0.5, 15.5, 32],
  Q8_0: [0.5, 127, 127],
  Q4_K: [1.5, 7.5, 63 * 16],
  Q5_K: [1.5, 15.5, 63 * 32],
  Q6_K: [1.5, 32, 128 * 32],
};

/**
 * The largest rounding error of a number in a block.
 *
 * @param most the largest |x| of its block; of a float type, the number's own
 */
function bound(type: GgufType, most: number): number {
  const [relative, absolute] = isFloat(type) ? ROUNDING[type] : ROUNDING.F16;
  if (isFloat(type)) return relative * most + absolute;
  const [steps, codes, factor] = STEPS[type];
  // 2^-20: the float32 roundings on the way to a code
  return most / codes * steps + most * (2 * relative + 2 ** -20) +
    factor * absolute;
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
