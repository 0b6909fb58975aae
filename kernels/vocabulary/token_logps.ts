/**
 * Log-probabilities of trained tokens from hidden states, and their gradient, in one pass over the
 * vocabulary. The logits exist a chunk at a time: `[targets, vocabulary]` is never allocated. Knows
 * no loss: its slope comes later.
 *
 * `d logp / d hidden = W[target] - sum over v of p(v) W[v]` needs no slope, so the running maximum
 * and sum of the softmax carry a running `sum of exp(logit - maximum) W[v]` along, as flash
 * attention does (arXiv 2205.14135).
 */
import type { Device } from "../device/device.ts";
import { embedding } from "../matmul/embedding.ts";
import { foldedGrid } from "../device/grid.ts";
import { defineKernel } from "../device/kernel.ts";
import { linearDxRows, linearRows } from "../matmul/linear.ts";
import { logitArguments, type LogitOptions } from "./logit_options.ts";
import type { Matrix } from "../matrix/matrix.ts";
import { expectShape, matrixShape, type Tensor } from "../device/tensor.ts";
import source from "./token_logps.wgsl" with { type: "text" };
import gradientSource from "./token_logps_gradient.wgsl" with { type: "text" };
import { STATISTICS } from "./token_statistics.ts";
import {
  STATE_SIZE,
  updateRowStates,
  vocabularyChunks,
} from "./vocabulary_chunks.ts";

const kernel = defineKernel("token_logps", source);
const gradientKernel = defineKernel("token_logps_gradient", gradientSource);

/** Most bytes of a chunk's logits. */
export const LOGIT_CHUNK_BYTES = 32 << 20;

/** How to make log-probabilities. */
export interface TokenLogpsOptions extends LogitOptions {
  /** Whether `dHidden` is wanted; without it the pass costs half. */
  readonly gradient: boolean;
  /** Most bytes of a chunk's logits; default `LOGIT_CHUNK_BYTES`. */
  readonly chunkBytes?: number | undefined;
}

/** What one pass over the vocabulary yields; tensors owned by the innermost scope. */
export interface TokenLogps {
  /** `[targets]`, in nats. */
  readonly logps: Tensor;
  /** `[targets, STATISTICS]`; `tokenStatistics()` reads it. */
  readonly statistics: Tensor;
  /** `[targets, hidden_size]`: d logp / d hidden. */
  readonly dHidden?: Tensor;
}

/**
 * Makes the log-probability of each target token.
 *
 * @param hidden `[targets, hidden_size]`, f32: the rows that predict a trained token; 0 rows are
 * allowed
 * @param head `[vocabulary, hidden_size]`
 * @param targetTokens u32 `[targets]`, below the vocabulary
 * @throws {TypeError} if shapes do not fit
 */
export function tokenLogps(
  device: Device,
  hidden: Tensor,
  head: Matrix,
  targetTokens: Tensor,
  options: TokenLogpsOptions,
): TokenLogps {
  const [targets, hiddenSize] = matrixShape(hidden);
  expectShape("hidden", hidden, [targets, head.cols]);
  expectShape("targetTokens", targetTokens, [targets]);
  using scope = device.scope();
  const logps = scope.keep(device.allocate([targets]));
  const statistics = scope.keep(device.allocate([targets, STATISTICS]));
  const dHidden = options.gradient
    ? scope.keep(device.zeros([targets, hiddenSize]))
    : undefined;
  if (targets > 0) {
    const states = sumOverVocabulary(
      device,
      { hidden, head, targetTokens, into: dHidden },
      options,
    );
    device.launch(
      kernel,
      { states, target_tokens: targetTokens, logps, statistics },
      { rows: targets, vocabulary: head.rows },
      foldedGrid(Math.ceil(targets / 64)),
    );
    if (dHidden) {
      const targetWeights = embedding(device, targetTokens, head);
      finishGradient(device, { states, targetWeights, dHidden }, options);
    }
  }
  return { logps, statistics, ...(dHidden && { dHidden }) };
}

/**
 * Runs over all chunks; adds `sum of exp(logit - maximum) W[v]` to `into`, if given. Returns the
 * rows' states.
 */
function sumOverVocabulary(
  device: Device,
  { hidden, head, targetTokens, into }: {
    hidden: Tensor;
    head: Matrix;
    targetTokens: Tensor;
    into: Tensor | undefined;
  },
  options: TokenLogpsOptions,
): Tensor {
  const [targets, hiddenSize] = matrixShape(hidden);
  const states = device.allocate([targets, STATE_SIZE]);
  const rowFactors = device.allocate([targets]);
  const chunks = vocabularyChunks({
    vocabulary: head.rows,
    hiddenSize,
    targets,
    chunkBytes: options.chunkBytes ?? LOGIT_CHUNK_BYTES,
    windowBytes: device.windowBytes,
  });
  for (const { first, rows } of chunks) {
    const logits = linearRows(device, hidden, head, first, rows);
    const carried = { targetTokens, states, rowFactors };
    const gradient = into !== undefined;
    updateRowStates(device, logits, carried, { ...options, first, gradient });
    if (into) linearDxRows(device, logits, head, first, into, rowFactors);
    device.release(logits);
  }
  return states;
}

function finishGradient(
  device: Device,
  { states, targetWeights, dHidden }: {
    states: Tensor;
    targetWeights: Tensor;
    dHidden: Tensor;
  },
  options: TokenLogpsOptions,
): void {
  const [rows, cols] = matrixShape(dHidden);
  const { params, constants } = logitArguments(options, states);
  device.launch(
    gradientKernel,
    { states, target_weights: targetWeights, gradient: dHidden },
    { ...params, count: rows * cols, cols },
    foldedGrid(Math.ceil(rows * cols / 64)),
    { constants: { HAS_SOFTCAP: constants.HAS_SOFTCAP } },
  );
}
