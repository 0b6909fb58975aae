/**
 * The largest number of each row by its column: the next token of a greedy answer, found where the
 * logits are, so that the next step need not wait for the CPU.
 */
import type { Device } from "../device/device.ts";
import { singleKernel } from "../device/shader.ts";
import { matrixShape, type Tensor } from "../device/tensor.ts";
import better from "./better.wgsl" with { type: "text" };
import text from "./likeliest.wgsl" with { type: "text" };
import blocksText from "./likeliest_blocks.wgsl" with { type: "text" };

const PIECES = { "better.wgsl": better };

/** The best column of each block of a row. */
export const likeliestBlocksShader = singleKernel({
  name: "likeliest_blocks.wgsl",
  text: blocksText,
  pieces: PIECES,
});

/** The best of a row's blocks. */
export const likeliestShader = singleKernel({
  name: "likeliest.wgsl",
  text,
  pieces: PIECES,
});

/** The answer for a row that has a NaN or whose largest number is infinite. */
export const NO_COLUMN = 0xffff_ffff;

/** Columns of one workgroup: several groups per row, few enough to compare in one. */
const BLOCK_COLS = 4096;

/**
 * The column of each row's largest number, of equal ones the first.
 *
 * @param x `[rows, cols]`, at most 65,535 rows
 * @returns u32 `[rows]`, `NO_COLUMN` where there is none; owned by the innermost scope
 */
export function likeliestColumns(device: Device, x: Tensor): Tensor {
  const [rows, cols] = matrixShape(x);
  const id = device.allocate([rows], "u32");
  if (rows === 0) return id;
  const blocks = Math.max(1, Math.ceil(cols / BLOCK_COLS));
  const best = device.allocate([rows, blocks, 2], "u32");
  const params = { cols, block_cols: BLOCK_COLS, blocks };
  device.launch(likeliestBlocksShader.kernel({}), { x, best }, params, [
    blocks,
    rows,
  ]);
  device.launch(likeliestShader.kernel({}), { best, id }, { blocks }, [rows]);
  device.release(best);
  return id;
}
