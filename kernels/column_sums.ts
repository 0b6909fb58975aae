/** Sums over the rows of a matrix, in stages of fixed order: the gradient of a bias. The same bits in each run. */
import type { Device } from "./device.ts";
import { elementWidth, GROUP_SIZE } from "./element_launch.ts";
import { foldedGrid } from "./grid.ts";
import { defineKernel } from "./kernel.ts";
import source from "./column_sums.wgsl" with { type: "text" };
import { expectShape, matrixShape, type Tensor } from "./tensor.ts";

const kernel = defineKernel("column_sums", source);

/** Rows that one invocation adds up. */
export const BLOCK_ROWS = 32;

/**
 * Sums of each column of `x [rows, cols]`, added to `into [cols]` if it is given, else a new tensor `[cols]`.
 *
 * @throws {TypeError} if `into` has another shape
 */
export function columnSums(
  device: Device,
  x: Tensor,
  { into }: { into?: Tensor } = {},
): Tensor {
  const [rows, cols] = matrixShape(x);
  if (into) expectShape("into", into, [cols]);
  if (rows === 0 || cols === 0) return into ?? device.zeros([cols]);
  if (rows <= BLOCK_ROWS) {
    const y = into ?? device.allocate([cols]);
    sumBlocks(device, x, y, into !== undefined);
    return y;
  }
  const partial = device.allocate([Math.ceil(rows / BLOCK_ROWS), cols]);
  sumBlocks(device, x, partial, false);
  const y = columnSums(device, partial, into ? { into } : {});
  device.release(partial);
  return y;
}

function sumBlocks(
  device: Device,
  x: Tensor,
  y: Tensor,
  accumulate: boolean,
): void {
  const [rows, cols] = matrixShape(x);
  const { width, options } = elementWidth(cols);
  const blocks = Math.ceil(rows / BLOCK_ROWS);
  const params = {
    rows,
    cols: cols / width,
    block_rows: BLOCK_ROWS,
    blocks,
    accumulate: Number(accumulate),
  };
  const groups = Math.ceil(blocks * cols / width / GROUP_SIZE);
  device.launch(kernel, { x, y }, params, foldedGrid(groups), options);
}
