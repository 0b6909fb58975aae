/** Each column of a matrix times its own factor: the magnitudes of an adapted layer. */
import type { Device } from "../device/device.ts";
import { elementWidth, GROUP_SIZE } from "../launch/element_launch.ts";
import { foldedGrid } from "../device/grid.ts";
import { defineKernel } from "../device/kernel.ts";
import { expectRows, rowSlices, sliceRows } from "../launch/row_slices.ts";
import source from "./scale_columns.wgsl" with { type: "text" };
import { expectShape, matrixShape, type Tensor } from "../device/tensor.ts";

const kernel = defineKernel("scale_columns", source);

/** What is added to the product. */
export interface ScaleColumnsOptions {
  /** Added to every factor: -1 for what a factor changes; default 0. */
  readonly offset?: number;
  /** `[cols]`, added to each row. */
  readonly bias?: Tensor | undefined;
  /** `[rows]` of 0 and 1: rows of 0 are not multiplied. */
  readonly rows?: Tensor | undefined;
  /** A tensor of x's shape to add to, which is then returned; not x itself. */
  readonly into?: Tensor | undefined;
}

/**
 * Multiplies column c of `x` `[rows, cols]` by `offset + factors[c]`.
 *
 * @throws {TypeError} if the shapes do not fit
 */
export function scaleColumns(
  device: Device,
  x: Tensor,
  factors: Tensor,
  { offset = 0, bias, rows, into }: ScaleColumnsOptions = {},
): Tensor {
  const [count, cols] = matrixShape(x);
  expectShape("factors", factors, [cols]);
  if (bias) expectShape("bias", bias, [cols]);
  if (rows) expectShape("rows", rows, [count]);
  if (into) expectRows("into", into, count, cols);
  const y = into ?? device.allocate(x.shape);
  if (count === 0 || cols === 0) return y;
  const { width, options } = elementWidth(cols);
  const constants = {
    ...options.constants,
    HAS_BIAS: Number(bias !== undefined),
    HAS_ROWS: Number(rows !== undefined),
    ADD: Number(into !== undefined),
  };
  for (const slice of rowSlices(device, count, cols)) {
    const reals = slice.count * cols / width;
    device.launch(
      kernel,
      {
        x: sliceRows(x, slice),
        factors,
        bias: bias ?? factors,
        rows: rows ? sliceRows(rows, slice) : factors,
        y: sliceRows(y, slice),
      },
      { count: reals, cols: cols / width, offset },
      foldedGrid(Math.ceil(reals / GROUP_SIZE)),
      { ...options, constants },
    );
  }
  return y;
}
