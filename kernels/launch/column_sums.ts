/**
 * Sums over the rows of a matrix, in stages of fixed order: the gradient of a bias, squares for a
 * moment. The same bits in each run.
 */
import type { Device } from "../device/device.ts";
import { elementWidth, GROUP_SIZE } from "./element_launch.ts";
import { foldedGrid } from "../device/grid.ts";
import { defineKernel } from "../device/kernel.ts";
import source from "./column_sums.wgsl" with { type: "text" };
import { expectShape, matrixShape, type Tensor } from "../device/tensor.ts";

const kernel = defineKernel("column_sums", source);

/** Rows that one invocation adds up. */
export const BLOCK_ROWS = 32;

/**
 * Sums of each column of `x [rows, cols]`, added to `into [cols]` if it is given, else a new tensor
 * `[cols]`.
 *
 * @param options.squares sum the squares instead; default false
 * @throws {TypeError} if `into` has another shape
 */
export function columnSums(
  device: Device,
  x: Tensor,
  { into, squares = false }: { into?: Tensor; squares?: boolean } = {},
): Tensor {
  const [rows, cols] = matrixShape(x);
  if (into) expectShape("into", into, [cols]);
  if (rows === 0 || cols === 0) return into ?? device.zeros([cols]);
  if (rows <= BLOCK_ROWS) {
    const y = into ?? device.allocate([cols]);
    sumBlocks(device, x, y, { accumulate: into !== undefined, squares });
    return y;
  }
  const partial = device.allocate([Math.ceil(rows / BLOCK_ROWS), cols]);
  sumBlocks(device, x, partial, { accumulate: false, squares });
  const y = columnSums(device, partial, into ? { into } : {});
  device.release(partial);
  return y;
}

function sumBlocks(
  device: Device,
  x: Tensor,
  y: Tensor,
  { accumulate, squares }: { accumulate: boolean; squares: boolean },
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
    squares: Number(squares),
  };
  const groups = Math.ceil(blocks * cols / width / GROUP_SIZE);
  device.launch(kernel, { x, y }, params, foldedGrid(groups), options);
}
