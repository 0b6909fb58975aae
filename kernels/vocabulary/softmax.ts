/** Probabilities from logits, row by row. Knows no sampler. */
import type { Device } from "../device/device.ts";
import type { Grid } from "../device/recorder.ts";
import { createShader } from "../device/shader.ts";
import { elements, matrixShape, type Tensor } from "../device/tensor.ts";
import text from "./softmax.wgsl" with { type: "text" };
import blocksText from "./softmax_blocks.wgsl" with { type: "text" };
import word from "./softmax_word.wgsl" with { type: "text" };

/** How many numbers of a row are loaded together. */
interface Width {
  readonly WIDTH: 1 | 4;
}

const PIECES = { "softmax_word.wgsl": word };

const USED = [{ WIDTH: 1 }, { WIDTH: 4 }] as const;

/** Maximum and sum of each block of a row. */
export const softmaxBlocksShader = createShader<Width>(
  { name: "softmax_blocks.wgsl", text: blocksText, pieces: PIECES },
  { nameOf: ({ WIDTH }) => `softmax_blocks_${WIDTH}`, used: () => USED },
);

/** The probabilities, by the states of a row's blocks. */
export const softmaxShader = createShader<Width>(
  { name: "softmax.wgsl", text, pieces: PIECES },
  { nameOf: ({ WIDTH }) => `softmax_${WIDTH}`, used: () => USED },
);

/** Columns of one workgroup: several groups per row. */
const BLOCK_COLS = 4096;

/** How probabilities are made of logits. */
export interface SoftmaxOptions {
  /** Multiplies the logits: 1 / temperature, above 0. */
  readonly scale?: number;
}

/**
 * `exp(scale * x) / sum(exp(scale * x))` of each row of `x`, `[rows, cols]`, at most 65,535 rows,
 * shifted by the row's maximum. Beside a largest probability `most`, each probability `p` has a
 * relative error of at most `2^-23 * (6 + 4 * ln(most / p))`, apart from one factor that all of a
 * row share: WGSL allows `exp(z)` 3 + 2|z| units in the last place.
 *
 * @returns `[rows, cols]`, owned by the innermost scope
 * @throws {RangeError} if `scale` is not above 0
 */
export function softmax(
  device: Device,
  x: Tensor,
  { scale = 1 }: SoftmaxOptions = {},
): Tensor {
  if (!(scale > 0 && scale < Infinity)) {
    throw new RangeError(
      `Cannot make probabilities: scale ${scale}, expected above 0`,
    );
  }
  const y = device.allocate(x.shape);
  if (elements(x.shape) === 0) return y;
  const [rows, cols] = matrixShape(x);
  const WIDTH = cols % 4 === 0 ? 4 : 1;
  const blocks = Math.ceil(cols / BLOCK_COLS);
  const params = {
    words: cols / WIDTH,
    block_words: BLOCK_COLS / WIDTH,
    blocks,
    scale,
  };
  const grid: Grid = [blocks, rows];
  const states = device.allocate([rows, blocks, 2]);
  const bound = { x, states };
  device.launch(softmaxBlocksShader.kernel({ WIDTH }), bound, params, grid);
  device.launch(softmaxShader.kernel({ WIDTH }), { ...bound, y }, params, grid);
  device.release(states);
  return y;
}
