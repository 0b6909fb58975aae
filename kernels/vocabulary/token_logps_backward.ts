/**
 * From the slopes of a loss to the gradient of the hidden states, and of the head where it is
 * trained. The first is a scaling, since the pass over the vocabulary left the unit gradient; the
 * second makes the logits again, chunk by chunk.
 */
import { columnSums } from "../launch/column_sums.ts";
import type { Device } from "../device/device.ts";
import { foldedGrid } from "../device/grid.ts";
import { defineKernel } from "../device/kernel.ts";
import { linearDw, linearRows } from "../matmul/linear.ts";
import { logitArguments, type LogitOptions } from "./logit_options.ts";
import type { Matrix } from "../matrix/matrix.ts";
import { scaleRows } from "../rows/scale_rows.ts";
import {
  expectShape,
  matrixShape,
  rowsView,
  type Tensor,
} from "../device/tensor.ts";
import { LOGIT_CHUNK_BYTES } from "./token_logps.ts";
import source from "./token_logps_slopes.wgsl" with { type: "text" };
import { STATISTICS } from "./token_statistics.ts";
import { vocabularyChunks } from "./vocabulary_chunks.ts";

const kernel = defineKernel("token_logps_slopes", source);

/** What went into `tokenLogps()` with `gradient`, and what came out. */
export interface TokenLogpsRecord {
  readonly hidden: Tensor;
  readonly head: Matrix;
  readonly targetTokens: Tensor;
  readonly statistics: Tensor;
  readonly dHidden: Tensor;
}

/** How to go back; the options on logits as in the forward pass. */
export interface TokenLogpsBackwardOptions extends LogitOptions {
  /**
   * `[vocabulary, hidden_size]` f32; the head's gradient is added. Leave it out if the head is
   * frozen.
   */
  readonly headGradient?: Tensor | undefined;
  /**
   * `[vocabulary]` f32; the gradient of the head's bias is added. Leave it out if the bias is
   * frozen.
   */
  readonly biasGradient?: Tensor | undefined;
  /** Most bytes of a chunk's logits; default `LOGIT_CHUNK_BYTES`. */
  readonly chunkBytes?: number | undefined;
}

/**
 * Carries the slopes of a loss back through `tokenLogps()`.
 *
 * @param slopes `[targets]`: d loss / d logp
 * @returns `[targets, hidden_size]`: d loss / d hidden, owned by the innermost scope
 * @throws {TypeError} if shapes do not fit
 */
export function tokenLogpsBackward(
  device: Device,
  record: TokenLogpsRecord,
  slopes: Tensor,
  options: TokenLogpsBackwardOptions = {},
): Tensor {
  const { head, statistics, dHidden } = record;
  const [targets] = matrixShape(dHidden);
  expectShape("slopes", slopes, [targets]);
  expectShape("statistics", statistics, [targets, STATISTICS]);
  const { headGradient, biasGradient } = options;
  if (headGradient) {
    expectShape("headGradient", headGradient, [head.rows, head.cols]);
  }
  if (biasGradient) expectShape("biasGradient", biasGradient, [head.rows]);
  if (targets > 0 && (headGradient || biasGradient)) {
    addHeadGradients(device, record, slopes, options);
  }
  return scaleRows(device, dHidden, slopes);
}

/**
 * With d = slope_t (1[v = target_t] - p_t(v)): `headGradient[v] += sum over t of d hidden_t`,
 * `biasGradient[v] += sum of d`.
 */
function addHeadGradients(
  device: Device,
  { hidden, head, targetTokens, statistics }: TokenLogpsRecord,
  slopes: Tensor,
  options: TokenLogpsBackwardOptions,
): void {
  const [targets, hiddenSize] = matrixShape(hidden);
  const { params, constants, bias } = logitArguments(options, targetTokens);
  const chunks = vocabularyChunks({
    vocabulary: head.rows,
    hiddenSize,
    targets,
    chunkBytes: options.chunkBytes ?? LOGIT_CHUNK_BYTES,
    windowBytes: device.windowBytes,
  });
  for (const { first, rows: cols } of chunks) {
    using _chunk = device.scope();
    const logits = linearRows(device, hidden, head, first, cols);
    const count = targets * cols;
    device.launch(
      kernel,
      { logits, target_tokens: targetTokens, bias, statistics, slopes },
      { ...params, count, cols, first },
      foldedGrid(Math.ceil(count / 64)),
      { constants },
    );
    if (options.headGradient) {
      const into = rowsView(options.headGradient, first, cols);
      linearDw(device, logits, hidden, { into });
    }
    if (options.biasGradient) {
      const whole = { ...options.biasGradient, shape: [head.rows, 1] };
      const into = { ...rowsView(whole, first, cols), shape: [cols] };
      columnSums(device, logits, { into });
    }
  }
}
