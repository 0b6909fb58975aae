/**
 * What the two variants of the matrix product have in common: operands of 16-byte words and one launch each.
 * "nt": c[i, j] = sum_k a[i, k] b[j, k]; "nn": c[i, j] = sum_k a[i, k] b[k, j]. The rows of `a` are mostly tokens.
 */
import type { Device } from "../device/device.ts";
import { flatTexture } from "../launch/flat_texture.ts";
import type { MatrixDType } from "../matrix/matrix_bytes.ts";
import { padColumns } from "../launch/pad_columns.ts";
import { launchPanelProduct } from "./cpu/matmul_cpu.ts";
import { launchTileProduct } from "./gpu/matmul_gpu.ts";
import { matrixShape, type Tensor } from "../device/tensor.ts";

/** Rows of 16-byte words: a buffer for the tile variant, a flat texture for the panel variant. */
export interface Operand {
  readonly store: Tensor | GPUTexture;
  readonly dtype: MatrixDType;
  /** Words from one row, or group of rows, to the next. */
  readonly pitch: number;
  /** Of codes. */
  readonly scales?: Tensor | GPUTexture | undefined;
}

/** Rows of `a` and `c` that a launch is for, known on the device only: `[starts[group], starts[group + 1])`. */
export interface RowRange {
  /** u32 `[groups + 1]` */
  readonly starts: Tensor;
  readonly group: number;
  /** Rows that a group may have. */
  readonly most: number;
  /** Row of `starts` that is the first of `a` and `c`. */
  readonly base: number;
}

/** One launch; all counts in elements but for pitches, which are words. */
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
  /** Add to what `c` holds; else overwrite it. */
  readonly add: boolean;
  /** Multiply what `c` holds by a number per row first, `[rows]`; only with `add`. */
  readonly scale?: Tensor | undefined;
  /** Of the sums, bias included, before they are added to what `c` holds. */
  readonly factor: number;
  /** Added to each row, `[at least cols]`, from element `biasFirst` on. */
  readonly bias?: Tensor | undefined;
  readonly biasFirst: number;
  /** A second pair of operands whose products are added to the same sums. */
  readonly more?: SecondPair | undefined;
  /** Default: all rows. */
  readonly range?: RowRange | undefined;
}

/** As `a` and `b` of a product, both f32: the low-rank part of an adapted layer, at no extra pass over c. */
export interface SecondPair {
  readonly a: Operand;
  readonly b: Operand;
  readonly bRow: number;
  readonly length: number;
}

/** Launches a product with the kernels that suit the adapter; an empty one does nothing. */
export function launchProduct(device: Device, product: Product): void {
  if (product.rows === 0 || product.cols === 0) return;
  if (device.variant === "panel") {
    launchPanelProduct(device, product);
    return;
  }
  launchTileProduct(device, product);
}

/** Calls `use` with an f32 tensor `[rows, cols]` as an operand, and frees afterwards what that took. */
export function withOperand(
  device: Device,
  x: Tensor,
  format: "rgba32float" | "rgba32uint",
  use: (operand: Operand) => void,
): void {
  const padded = padColumns(device, x);
  const pitch = Math.ceil(matrixShape(x)[1] / 4);
  if (x.flat && format === "rgba32float") {
    use({ store: x.flat, dtype: "f32", pitch });
  } else if (device.variant === "panel") {
    const store = flatTexture(device, padded, format);
    use({ store, dtype: "f32", pitch });
    device.release(store);
  } else use({ store: padded, dtype: "f32", pitch });
  if (padded !== x) device.release(padded);
}

/** The params of kernels that may be for a range of rows only. */
export function rangeParams({ range }: Product) {
  return { group: range?.group ?? 0, row_base: range?.base ?? 0 };
}

/** A product by 1 from the start of its operands to the start of c, stored row-major if the caller sets `cRow` to `cols`. */
export function plainProduct(
  c: Tensor,
  rows: number,
  cols: number,
  length: number,
) {
  const start = { aCol: 0, bRow: 0, cFirst: 0, biasFirst: 0 };
  return {
    c,
    rows,
    cols,
    length,
    cCol: 1,
    factor: 1,
    ...start,
  } satisfies Partial<
    Product
  >;
}
