/**
 * The running softmax over a vocabulary that never lies in memory as a whole: it is cut into chunks
 * whose logits fit a byte budget, and one chunk after the other goes into a state per row, as flash
 * attention does with its keys. Knows logits, not where they come from.
 */
import type { Device } from "../device/device.ts";
import { foldedGrid } from "../device/grid.ts";
import { PATHS } from "../device/paths.ts";
import { singleKernel } from "../device/shader.ts";
import { expectShape, matrixShape, type Tensor } from "../device/tensor.ts";
import { flatTexture } from "../launch/flat_texture.ts";
import { LANE_PIECES } from "../launch/lane_pieces.ts";
import firstBest from "./first_best.wgsl" with { type: "text" };
import { logitArguments, type LogitOptions } from "./logit_options.ts";
import rowState from "./row_state.wgsl" with { type: "text" };
import text from "./vocabulary_chunk_gpu.wgsl" with { type: "text" };
import cpuText from "./vocabulary_chunk_cpu.wgsl" with { type: "text" };

const PIECES = {
  ...LANE_PIECES,
  "first_best.wgsl": firstBest,
  "row_state.wgsl": rowState,
};

/** For GPUs, and for columns that 4 does not divide. */
export const chunkGpuShader = singleKernel({
  name: "vocabulary_chunk_gpu.wgsl",
  text,
  pieces: PIECES,
});

/** For CPUs, four columns at a time. */
export const chunkCpuShader = singleKernel({
  name: "vocabulary_chunk_cpu.wgsl",
  text: cpuText,
  pieces: PIECES,
});

/**
 * Numbers of a row's state: maximum, sum of e = exp(logit - maximum), sum of logits, sum of e
 * (logit - maximum), sum of e^2, the target's logit, argmax.
 */
export const STATE_SIZE = 8;

/** Invocations per row: one vector of a CPU, some wavefronts of a GPU. */
const WORKGROUP_SIZE = { cpu: 8, gpu: 256 };

/** What the rows carry from chunk to chunk. */
export interface RowStates {
  /** u32 `[rows]`. */
  readonly targetTokens: Tensor;
  /** `[rows, STATE_SIZE]`; the chunk that begins at column 0 sets it. */
  readonly states: Tensor;
  /**
   * `[rows]`, written by each chunk: the factor that sums over earlier chunks take on, 0 at the
   * first chunk.
   */
  readonly rowFactors: Tensor;
}

/**
 * Takes the columns from `first` on into the states.
 *
 * @param logits `[rows, cols]` products with the head, before `options` is applied; with `gradient`
 * they become `exp(logit - maximum) * d logit / d product`, with the maximum so far
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
      WORKGROUP_SIZE: WORKGROUP_SIZE[device.kind],
    },
  };
  const grid = foldedGrid(rows);
  if (PATHS.vocabularyChunk(device, { cols }) === "vocabulary_chunk_cpu") {
    const texture = flatTexture(device, logits);
    const all = { ...bindings, logits: texture, p: logits };
    device.launch(chunkCpuShader.kernel({}), all, sizes, grid, pipeline);
    device.release(texture);
  } else {
    const all = { ...bindings, logits };
    device.launch(chunkGpuShader.kernel({}), all, sizes, grid, pipeline);
  }
}

/** Rows `[first, first + rows)` of the head; `first` is a multiple of 64. */
export interface VocabularyChunk {
  readonly first: number;
  readonly rows: number;
}

/** Heads are packed and bound by so many rows. */
const UNIT = 64;
/** Keeps the sums within a chunk short, so that they stay exact enough in f32. */
const MOST_ROWS = 32_768;

/**
 * Chunks from the first row to the last, as large as the budget allows but 64 rows at least.
 *
 * @param targets rows of logits
 * @param chunkBytes most bytes of a chunk's logits in f32
 * @param windowBytes most bytes of a chunk of the head or its gradient in f32, since that is bound
 * at once
 */
export function vocabularyChunks(
  { vocabulary, hiddenSize, targets, chunkBytes, windowBytes }: {
    vocabulary: number;
    hiddenSize: number;
    targets: number;
    chunkBytes: number;
    windowBytes: number;
  },
): VocabularyChunk[] {
  const fitting = Math.min(
    MOST_ROWS,
    chunkBytes / (4 * Math.max(1, targets)),
    windowBytes / (4 * hiddenSize),
  );
  const most = Math.max(UNIT, Math.floor(fitting / UNIT) * UNIT);
  // texture kernels read four columns at a time: what does not divide by four is left to one small
  // chunk
  const even = vocabulary % 4 === 0
    ? vocabulary
    : vocabulary - vocabulary % UNIT;
  const chunks: VocabularyChunk[] = [];
  for (let first = 0; first < even; first += most) {
    chunks.push({ first, rows: Math.min(most, even - first) });
  }
  if (even < vocabulary) {
    chunks.push({ first: even, rows: vocabulary - even });
  }
  return chunks;
}
