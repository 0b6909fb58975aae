/**
 * The largest number of each row by its column: the next token of a greedy answer, found where the logits are, so
 * that the next step need not wait for the CPU.
 */
import type { Device } from "../device/device.ts";
import { defineKernel } from "../device/kernel.ts";
import source from "./likeliest.wgsl" with { type: "text" };
import blocksSource from "./likeliest_blocks.wgsl" with { type: "text" };
import { matrixShape, type Tensor } from "../device/tensor.ts";

const blocksKernel = defineKernel("likeliest_blocks", blocksSource);
const kernel = defineKernel("likeliest", source);

/** What stands for a row without an answer: it has a NaN, or its largest number is infinite. */
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
  device.launch(blocksKernel, { x, best }, params, [blocks, rows]);
  device.launch(kernel, { best, id }, { blocks }, [rows]);
  device.release(best);
  return id;
}
