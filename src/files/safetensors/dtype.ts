/**
 * The number types of safetensors files: their sizes, and 16-bit floats to and from float32.
 * Rounding is to nearest, ties to even; NaN stays NaN.
 */

/** A number type, by its name in safetensors files. */
export type Dtype =
  | ("F64" | "I64" | "U64" | "F32" | "I32" | "U32")
  | ("F16" | "BF16" | "I16" | "U16")
  | ("I8" | "U8" | "BOOL" | "F8_E4M3" | "F8_E5M2");

/** Bytes per element of each type that a safetensors header may name. */
export const DTYPE_BYTES: Readonly<Record<Dtype, number>> = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
};

/** The types that convert to and from float32 here. */
export type FloatDtype = "F32" | "F16" | "BF16";

/** Whether `name` is a type that safetensors files may hold. */
export function isDtype(name: unknown): name is Dtype {
  return typeof name === "string" && Object.hasOwn(DTYPE_BYTES, name);
}

/** Whether a type converts to and from float32 here. */
export function isFloatDtype(dtype: Dtype): dtype is FloatDtype {
  return dtype === "F32" || dtype === "F16" || dtype === "BF16";
}

/** How many elements a tensor of this shape has; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** float32 values of bfloat16 bit patterns, exact; `[n]` to `[n]`. */
export function bfloat16ToFloat32(
  bits: Uint16Array,
): Float32Array<ArrayBuffer> {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
  return new Float32Array(words.buffer);
}

/** Nearest bfloat16 bit patterns of float32 values, ties to even; `[n]` to `[n]`. */
export function float32ToBfloat16(
  values: Float32Array,
): Uint16Array<ArrayBuffer> {
  const words = new Uint32Array(
    values.buffer,
    values.byteOffset,
    values.length,
  );
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const isNan = (word & 0x7fffffff) > 0x7f800000;
    // half of the dropped part, one less if the kept part is even, so that a tie goes to even
    const rounded = word + 0x7fff + ((word >>> 16) & 1);
    bits[i] = isNan ? (word >>> 16) | 0x40 : rounded >>> 16;
  }
  return bits;
}

/**
 * float32 values of the bytes of a tensor; `F32` bytes are viewed where they are aligned, not
 * copied.
 *
 * @throws RangeError if the bytes are not a whole number of elements.
 */
export function toFloat32(
  bytes: Uint8Array<ArrayBuffer>,
  dtype: FloatDtype,
): Float32Array<ArrayBuffer> {
  const size = DTYPE_BYTES[dtype];
  if (bytes.length % size !== 0) {
    throw new RangeError(
      `Cannot read ${dtype} numbers: found ${bytes.length} bytes, expected a multiple of ${size}`,
    );
  }
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  const { buffer, byteOffset } = aligned;
  const count = bytes.length / size;
  if (dtype === "F32") return new Float32Array(buffer, byteOffset, count);
  if (dtype === "BF16") {
    return bfloat16ToFloat32(new Uint16Array(buffer, byteOffset, count));
  }
  return new Float32Array(new Float16Array(buffer, byteOffset, count));
}

/** The bytes of float32 values stored as `dtype`; `F32` is a view, not a copy. */
export function fromFloat32(
  values: Float32Array<ArrayBuffer>,
  dtype: FloatDtype,
): Uint8Array<ArrayBuffer> {
  const stored = dtype === "F32"
    ? values
    : dtype === "BF16"
    ? float32ToBfloat16(values)
    : new Float16Array(values);
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}
