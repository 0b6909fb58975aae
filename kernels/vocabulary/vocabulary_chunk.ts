/**
 * The running softmax over a vocabulary that never lies in memory as a whole: chunk after chunk of the logits goes into
 * a state per row, as flash attention does with its keys. Knows logits, not where they come from.
 */
import type { Device } from "../device/device.ts";
import { flatTexture } from "../launch/flat_texture.ts";
import { foldedGrid } from "../device/grid.ts";
import { defineKernel } from "../device/kernel.ts";
import { logitArguments, type LogitOptions } from "./logit_options.ts";
import { expectShape, matrixShape, type Tensor } from "../device/tensor.ts";
import source from "./vocabulary_chunk.wgsl" with { type: "text" };
import panelSource from "./vocabulary_chunk_panel.wgsl" with { type: "text" };

const kernel = defineKernel("vocabulary_chunk", source);
const panelKernel = defineKernel("vocabulary_chunk_panel", panelSource);

/**
 * Numbers of a row's state: maximum, sum of e = exp(logit - maximum), sum of logits, sum of e (logit - maximum),
 * sum of e^2, the target's logit, argmax.
 */
export const STATE_SIZE = 8;

/** Invocations per row: one vector of a CPU adapter, some wavefronts of a GPU. */
const WORKGROUP_SIZE = { panel: 8, tile: 256 };

/** What the rows carry from chunk to chunk. */
export interface RowStates {
  /** u32 `[rows]`. */
  readonly targetTokens: Tensor;
  /** `[rows, STATE_SIZE]`; the chunk that begins at column 0 sets it. */
  readonly states: Tensor;
  /** `[rows]`, written by each chunk: the factor that sums over earlier chunks take on, 0 at the first chunk. */
  readonly rowFactors: Tensor;
}

/**
 * Takes the columns from `first` on into the states.
 *
 * @param logits `[rows, cols]` products with the head, before `options` is applied; with `gradient` they become
 * `exp(logit - maximum) * d logit / d product`, against the maximum so far
 * @throws {TypeError} if a shape does not fit
 */
export function updateRowStates(
  device: Device,
  logits: Tensor,
  { targetTokens, states, rowFactors }: RowStates,
  options: LogitOptions & { first: number; gradient: boolean },
): void {
  const [rows, cols] = matrixShape(logits);
  expectShape("targetTokens", targetTokens, [rows]);
  expectShape("states", states, [rows, STATE_SIZE]);
  expectShape("rowFactors", rowFactors, [rows]);
  if (rows === 0) return;
  const { params, constants, bias } = logitArguments(options, targetTokens);
  const bindings = {
    target_tokens: targetTokens,
    bias,
    states,
    row_factors: rowFactors,
  };
  const sizes = { ...params, rows, cols, first: options.first };
  const pipeline = {
    constants: {
      ...constants,
      WRITE_P: options.gradient ? 1 : 0,
      WORKGROUP_SIZE: WORKGROUP_SIZE[device.variant],
    },
  };
  const grid = foldedGrid(rows);
  if (device.variant === "panel" && cols % 4 === 0) {
    const texture = flatTexture(device, logits);
    const all = { ...bindings, logits: texture, p: logits };
    device.launch(panelKernel, all, sizes, grid, pipeline);
    device.release(texture);
  } else {
    device.launch(kernel, { ...bindings, logits }, sizes, grid, pipeline);
  }
}
