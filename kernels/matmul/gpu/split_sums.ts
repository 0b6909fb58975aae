/**
 * Products whose outputs are too few to fill a card, with their sums divided among workgroups: each
 * part of a sum is stored, and a second launch adds the parts in their order, so that two runs give
 * the same bits.
 */
import type { Device } from "../../device/device.ts";
import { foldedGrid } from "../../device/grid.ts";
import { defineKernel } from "../../device/kernel.ts";
import type { Product } from "../operands/operand.ts";
import source from "./split_sums.wgsl" with { type: "text" };
import type { Tensor } from "../../device/tensor.ts";

const kernel = defineKernel("split_sums", source);

/** Workgroups that are enough: more parts are more sums to store and to add, 4 MB at most. */
const WANTED_GROUPS = 256;
/** Words of four that a part should have at least. */
const LEAST_WORDS = 16;
/** A part ends where a tile of any candidate does. */
const WHOLE_WORDS = 8;

/** How the sum of a product is divided. */
export interface Parts {
  readonly count: number;
  /** Words of four k of each but the last, which has the rest. */
  readonly words: number;
}

/**
 * The parts of a sum over `length` for a product of so many workgroups.
 *
 * @param room parts that one binding has room for
 */
export function partsOf(groups: number, length: number, room: number): Parts {
  const words = Math.ceil(length / 4);
  const most = Math.min(WANTED_GROUPS / groups, words / LEAST_WORDS, room);
  if (most < 2) return { count: 1, words };
  const each = Math.ceil(words / Math.floor(most) / WHOLE_WORDS) * WHOLE_WORDS;
  return { count: Math.ceil(words / each), words: each };
}

/**
 * Calls `launch` for the parts `[parts, rows, cols]` of a product, then adds them to what its `c`
 * is to become.
 */
export function sumParts(
  device: Device,
  p: Product,
  { count: parts }: Parts,
  launch: (part: Tensor) => void,
): void {
  const { rows, cols } = p;
  const part = device.allocate([parts, rows, cols]);
  launch(part);
  const { bias = part, scale = part } = p;
  const count = rows * cols;
  device.launch(
    kernel,
    { part, c: p.c, bias, scale },
    {
      count,
      cols,
      parts,
      bias_first: p.biasFirst,
      factor: p.factor,
      c_row: p.cRow,
      c_col: p.cCol,
      c_first: p.cFirst,
    },
    foldedGrid(Math.ceil(count / 64)),
    {
      constants: {
        FINISH: p.scale ? 2 : Number(p.add),
        BIAS: Number(p.bias !== undefined),
      },
    },
  );
  device.release(part);
}
