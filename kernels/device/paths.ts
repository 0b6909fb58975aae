/**
 * Which kernel runs when: a row for each operation that has several. The names are those of the
 * .wgsl files. Of a row the first kernel runs whose condition holds.
 */
import type { DeviceKind } from "./device_options.ts";

/**
 * As many rows as answers that grow at once usually have. For so few rows a launch's own cost and
 * the loads of the weights count, so there are kernels of their own; more rows are faster by the
 * others.
 */
export const FEW_ROWS = 4;

interface Kind {
  readonly kind: DeviceKind;
}

/**
 * Whether matrices, operands and caches lie in textures: a CPU loads from them twelve times faster
 * than from buffers, and a GPU is faster with buffers.
 */
export function readsTextures({ kind }: Kind): boolean {
  return kind === "cpu";
}

const cpu = readsTextures;
const otherwise = () => true;

/** The choice among kernels by the device and the facts at hand. */
function choice<K extends string, F>(
  kernels: Readonly<Record<K, (device: Kind, facts: F) => boolean>>,
): (device: Kind, facts: F) => K {
  const names = Object.keys(kernels) as K[];
  return (device, facts) => names.find((name) => kernels[name](device, facts))!;
}

/** The choice between two kernels by the kind of the device alone. */
function byKind<C extends string, G extends string>(onCpu: C, onGpu: G) {
  return (device: Kind): C | G => cpu(device) ? onCpu : onGpu;
}

interface MatmulFacts {
  readonly mode: "nt" | "nn";
  readonly rows: number;
  /** For all rows of a slice, and without a scale of what the output held. */
  readonly isPlain: boolean;
}

interface LowRankFacts {
  readonly tokens: number;
  /** f32 in one window each, with sizes in fours. */
  readonly fits: boolean;
  /** Whether canGoTogether() says so. */
  readonly together: boolean;
}

interface AttentionFacts {
  readonly headDim: number;
  /** All tensors as flat textures, within what the device binds at once. */
  readonly fits: boolean;
}

interface CachedFacts {
  readonly queries: number;
  /** Each query is of another sequence: none share a walk over keys. */
  readonly separate: boolean;
}

interface Sizes {
  readonly rows: number;
  readonly cols: number;
}

/** By operation: the name of the kernel that runs. */
export const PATHS = {
  /** The matrix product. */
  matmul: choice({
    matmul_cpu: cpu,
    few_rows_gpu: (_, { mode, rows, isPlain }: MatmulFacts) =>
      mode === "nt" && isPlain && rows <= FEW_ROWS,
    matmul_gpu: otherwise,
  }),
  /** Products of one input with several weights, where canGoTogether() says so. */
  together: byKind("together_cpu", "together_gpu"),
  /** `activation(gate) * up` of one input, where canGoTogether() says so. */
  gated: byKind("gated_cpu", "gated_gpu"),
  /** The lower halves of LoRA adapters with one input; else a product each. */
  lowRank: choice({
    low_rank_cpu: (device, { tokens, fits }: LowRankFacts) =>
      cpu(device) && fits && tokens > 0 && tokens <= FEW_ROWS,
    together_gpu: (device, { together }: LowRankFacts) =>
      !cpu(device) && together,
    matmul: otherwise,
  }),
  /** Rows of a weight by number. */
  embedding: byKind("embedding_cpu", "embedding_gpu"),
  /** The gradients of the weights of groups. */
  groupedGradient: byKind("grouped_gradient_cpu", "grouped_gradient_gpu"),
  /** Columns of a matrix as rows. */
  transpose: byKind("transpose_cpu", "transpose_gpu"),
  /** Attention, and its gradients by attention_dq_* and attention_dkv_*. */
  attention: choice({
    attention_cpu: (device, { headDim, fits }: AttentionFacts) =>
      cpu(device) && headDim % 4 === 0 && fits,
    attention_gpu: otherwise,
  }),
  /** Attention over a cache that lies in textures. */
  cachedAttention: choice({
    cached_attention_cpu: (_, { queries, separate }: CachedFacts) =>
      separate || queries <= FEW_ROWS,
    attention_cpu: otherwise,
  }),
  /** The norm of rows; the backward has one kernel. */
  rmsNorm: choice({
    rms_norm_cpu: (device, { rows, cols }: Sizes) =>
      cpu(device) && rows > 0 && rows <= FEW_ROWS && cols > 0 &&
      cols % 4 === 0,
    rms_norm: otherwise,
  }),
  /** The running softmax over a chunk of the vocabulary. */
  vocabularyChunk: choice({
    vocabulary_chunk_cpu: (device, { cols }: Pick<Sizes, "cols">) =>
      cpu(device) && cols % 4 === 0,
    vocabulary_chunk_gpu: otherwise,
  }),
} as const;
