/**
 * A tensor is a buffer on the device with a shape and a type: plain data. Who frees it is the
 * matter of device scopes, what it means that of whoever made it. Row-major, no strides.
 */

/** What one element is. `bf16` and `f16` are packed two to a 32-bit word. */
export type DType = "f32" | "f16" | "bf16" | "u32" | "i32";

/**
 * Numbers on the device: `buffer` holds at least the product of `shape` elements of `dtype`,
 * row-major.
 */
export interface Tensor {
  /** The memory; longer than the tensor where the pool had no shorter one. */
  readonly buffer: GPUBuffer;
  /** Sizes from the outermost to the innermost. */
  readonly shape: readonly number[];
  /** The type of the numbers. */
  readonly dtype: DType;
  /**
   * Where the first element lies in `buffer`, a multiple of 256; only views by `rowsView()` have
   * it.
   */
  readonly byteOffset?: number;
  /**
   * The same words as a texture in the order of `flatTexture()`, where a kernel for CPUs wrote
   * both. Nothing may be written to such a tensor afterwards.
   */
  readonly flat?: GPUTexture;
}

const BYTES: Record<DType, number> = {
  f32: 4,
  f16: 2,
  bf16: 2,
  u32: 4,
  i32: 4,
};

/** Number of elements of a shape; the empty shape has one. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Bytes that a shape takes in a type, rounded up to whole 32-bit words. */
export function tensorBytes(shape: readonly number[], dtype: DType): number {
  return Math.ceil(elements(shape) * BYTES[dtype] / 4) * 4;
}

/** The rows and columns of a matrix: all dimensions but the last, and the last. */
export function matrixShape(tensor: Tensor): [rows: number, cols: number] {
  const cols = tensor.shape.at(-1) ?? 1;
  return [elements(tensor.shape.slice(0, -1)), cols];
}

/**
 * Fails unless `tensor` has the wanted shape.
 *
 * @throws {TypeError} naming both shapes
 */
export function expectShape(
  name: string,
  tensor: Tensor,
  shape: readonly number[],
): void {
  const same = tensor.shape.length === shape.length &&
    shape.every((size, axis) => tensor.shape[axis] === size);
  if (!same) {
    throw new TypeError(
      `Cannot use tensor "${name}": shape [${
        tensor.shape.join(", ")
      }], expected [${shape.join(", ")}]`,
    );
  }
}

/**
 * Rows `[first, first + count)` of a matrix, without a copy. Tensors above the device's binding
 * limit are bound this way, a window at a time.
 *
 * @throws {RangeError} if the window's first byte is not where a binding may start
 */
export function rowsView(tensor: Tensor, first: number, count: number): Tensor {
  const [, cols] = matrixShape(tensor);
  const byteOffset = (tensor.byteOffset ?? 0) +
    first * cols * BYTES[tensor.dtype];
  if (byteOffset % 256 !== 0) {
    throw new RangeError(
      `Cannot view rows from ${first} of a tensor [${
        tensor.shape.join(", ")
      }]: byte ${byteOffset}, expected a multiple of 256`,
    );
  }
  const { flat: _whole, ...rest } = tensor;
  return { ...rest, shape: [count, cols], byteOffset };
}
