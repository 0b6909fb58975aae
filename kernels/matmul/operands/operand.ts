/**
 * What one launch of a matrix product is told: operands of 16-byte words, sizes, strides, and what
 * is done with the sums. Knows no kernel. "nt": c[i, j] = sum_k a[i, k] b[j, k]; "nn": c[i, j] =
 * sum_k a[i, k] b[k, j]. The rows of `a` are mostly tokens.
 */
import type { Device } from "../../device/device.ts";
import { readsTextures } from "../../device/paths.ts";
import { matrixShape, type Tensor } from "../../device/tensor.ts";
import { flatTexture } from "../../launch/flat_texture.ts";
import { padColumns } from "../../launch/pad_columns.ts";
import type { MatrixDType } from "../../matrix/matrix_bytes.ts";

/** Rows of 16-byte words: a buffer for GPUs, a flat texture for CPU devices. */
export interface Operand {
  readonly store: Tensor | GPUTexture;
  readonly dtype: MatrixDType;
  /** Words from one row, or group of rows, to the next. */
  readonly pitch: number;
  /** The scales of codes. */
  readonly scales?: Tensor | GPUTexture | undefined;
}

/**
 * Rows of `a` and `c` that a launch is for, known on the device only:
 * `[starts[group], starts[group + 1])`.
 */
export interface RowRange {
  /** u32 `[groups + 1]` */
  readonly starts: Tensor;
  readonly group: number;
  /** The greatest number of rows that a group may have. */
  readonly most: number;
  /** The row of `starts` that is the first of `a` and `c`. */
  readonly base: number;
}

/** One launch. All counts are in elements, but pitches are in words. */
export interface Product {
  readonly mode: "nt" | "nn";
  readonly a: Operand;
  /** First column of `a`, a multiple of 4. */
  readonly aCol: number;
  readonly b: Operand;
  /** First row of `b`, the first of a group. */
  readonly bRow: number;
  readonly rows: number;
  readonly cols: number;
  /** Length of the sum. */
  readonly length: number;
  /** c[i, j] is element `i * cRow + j * cCol + cFirst`. */
  readonly c: Tensor;
  readonly cRow: number;
  readonly cCol: number;
  readonly cFirst: number;
  /** Whether to add to what `c` holds; else it is overwritten. */
  readonly add: boolean;
  /** What `c` holds is first multiplied by a number per row, `[rows]`; only with `add`. */
  readonly scale?: Tensor | undefined;
  /** Factor of the sums, bias included, before they are added to what `c` holds. */
  readonly factor: number;
  /** Added to each row, `[at least cols]`, from element `biasFirst` on. */
  readonly bias?: Tensor | undefined;
  readonly biasFirst: number;
  /** A second pair of operands whose products are added to the same sums. */
  readonly more?: SecondPair | undefined;
  /** Default: all rows. */
  readonly range?: RowRange | undefined;
}

/**
 * As `a` and `b` of a product, both f32: the low-rank part of an adapted layer, at no extra pass
 * over c.
 */
export interface SecondPair {
  readonly a: Operand;
  readonly b: Operand;
  readonly bRow: number;
  readonly length: number;
}

/** An f32 tensor `[rows, cols]` as an operand; its disposal frees what that took. */
export function openOperand(
  device: Device,
  x: Tensor,
  format: "rgba32float" | "rgba32uint",
): Operand & Disposable {
  const padded = padColumns(device, x);
  const hasTexture = x.flat !== undefined && format === "rgba32float";
  const made = readsTextures(device) && !hasTexture
    ? flatTexture(device, padded, format)
    : undefined;
  return {
    store: hasTexture ? x.flat! : made ?? padded,
    dtype: "f32",
    pitch: Math.ceil(matrixShape(x)[1] / 4),
    [Symbol.dispose]() {
      if (made) device.release(made);
      if (padded !== x) device.release(padded);
    },
  };
}

/** The params of kernels that may be for a range of rows only. */
export function rangeParams({ range }: Product) {
  return { group: range?.group ?? 0, row_base: range?.base ?? 0 };
}

/**
 * The part of a product from the start of its operands to the start of c, with factor 1; c is
 * row-major if the caller sets `cRow` to `cols`.
 */
export function plainProduct(
  c: Tensor,
  rows: number,
  cols: number,
  length: number,
) {
  return {
    c,
    rows,
    cols,
    length,
    cCol: 1,
    factor: 1,
    aCol: 0,
    bRow: 0,
    cFirst: 0,
    biasFirst: 0,
  } satisfies Partial<Product>;
}
