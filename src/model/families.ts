/**
 * What differs between model families: ONE table of switches. Sizes never stand here, they come from config.json.
 * To add a family is to add a row.
 */

/** Where a block norms, and what the norms are called in a checkpoint. */
export interface NormNames {
  /** Before attention. */
  readonly attentionIn?: string;
  /** Of what attention adds. */
  readonly attentionOut?: string;
  /** Before the MLP. */
  readonly mlpIn?: string;
  /** Of what the MLP adds. */
  readonly mlpOut?: string;
}

/** Factors that some families put on what flows. */
export interface Scales {
  readonly embedding: number;
  /** On what attention and MLP add to the stream. */
  readonly residual: number;
  /** On the products of queries and keys; undefined: `1 / sqrt(head_dim)`. */
  readonly attention?: number;
  readonly logits: number;
}

/** A number of config.json, or what stands for it where it is absent. */
export type ReadNumber = (key: string, fallback: number) => number;

/** The switches of a family; a text in place of a switch names the config key that holds it. */
export interface Family {
  /** Bias of the q, k and v projections. */
  readonly qkvBias: boolean | string;
  /** Bias of the o projection. */
  readonly outputBias: boolean | string;
  /** Bias of the gate, up and down projections. */
  readonly mlpBias: boolean | string;
  /** RMS norm of queries and keys: of each head, or of the whole projection. */
  readonly qkNorm: "none" | "head" | "whole";
  /** Names of these norms. */
  readonly qkNormNames: readonly [q: string, k: string];
  /** Queries and keys are normed after the rotation. */
  readonly normsAfterRope: boolean;
  readonly norms: NormNames;
  /** Norms multiply by `offset + weight`. */
  readonly normOffset: 0 | 1;
  /** One matrix makes q, k and v. */
  readonly fusedQkv: boolean;
  /** One matrix makes gate and up. */
  readonly fusedGateUp: boolean;
  /** Rotated pairs are neighbours. */
  readonly interleavedRope: boolean;
  /** Share of a head that rotates where `partial_rotary_factor` does not say. */
  readonly partialRotary: number;
  /** Layers that rotate: all, those that `no_rope_layers` says, or those with a sliding window. */
  readonly ropeLayers: "all" | "no_rope_layers" | "sliding";
  /** When `sliding_window` counts, where `layer_types` does not say more. */
  readonly slidingWindow: "always" | "use_sliding_window" | "never";
  /** Every n-th layer sees all keys; a text names the key. Undefined: no such pattern. */
  readonly slidingPattern?: number | readonly [key: string, fallback: number];
  /** What "gelu" means: Gemma's first config.json says it of the tanh form. Undefined: not served. */
  readonly gelu?: "gelu_tanh";
  readonly scales: (
    read: ReadNumber,
    hidden_size: number,
    layers: number,
  ) => Scales;
}

const PRE: NormNames = {
  attentionIn: "input_layernorm",
  mlpIn: "post_attention_layernorm",
};
const POST: NormNames = {
  attentionOut: "post_attention_layernorm",
  mlpOut: "post_feedforward_layernorm",
};

const LLAMA: Family = {
  qkvBias: "attention_bias",
  outputBias: "attention_bias",
  mlpBias: "mlp_bias",
  qkNorm: "none",
  qkNormNames: ["q_norm", "k_norm"],
  normsAfterRope: false,
  norms: PRE,
  normOffset: 0,
  fusedQkv: false,
  fusedGateUp: false,
  interleavedRope: false,
  partialRotary: 1,
  ropeLayers: "all",
  slidingWindow: "never",
  scales: () => ({ embedding: 1, residual: 1, logits: 1 }),
};

const PLAIN: Family = {
  ...LLAMA,
  qkvBias: false,
  outputBias: false,
  mlpBias: false,
};

const GEMMA: Family = {
  ...LLAMA,
  mlpBias: false,
  normOffset: 1,
  gelu: "gelu_tanh",
  scales: (_read, hidden_size) => ({
    embedding: Math.sqrt(hidden_size),
    residual: 1,
    logits: 1,
  }),
};

const GEMMA2: Family = {
  ...GEMMA,
  norms: {
    attentionIn: "input_layernorm",
    attentionOut: "post_attention_layernorm",
    mlpIn: "pre_feedforward_layernorm",
    mlpOut: "post_feedforward_layernorm",
  },
  slidingWindow: "always",
  slidingPattern: 2,
  scales: (read, hidden_size) => ({
    embedding: Math.sqrt(hidden_size),
    residual: 1,
    attention: read("query_pre_attn_scalar", 256) ** -0.5,
    logits: 1,
  }),
};

/** The families served, by `model_type`. */
export const FAMILIES: Readonly<Record<string, Family>> = {
  ernie4_5: {
    ...LLAMA,
    qkvBias: "use_bias",
    outputBias: "use_bias",
    mlpBias: "use_bias",
    interleavedRope: true,
  },
  exaone4: {
    ...PLAIN,
    qkNorm: "head",
    norms: POST,
    ropeLayers: "sliding",
    slidingWindow: "always",
    slidingPattern: ["sliding_window_pattern", 4],
  },
  gemma: GEMMA,
  gemma2: GEMMA2,
  gemma3_text: {
    ...GEMMA2,
    qkNorm: "head",
    slidingPattern: ["sliding_window_pattern", 6],
  },
  glm4: {
    ...PLAIN,
    qkvBias: "attention_bias",
    norms: {
      attentionIn: "input_layernorm",
      attentionOut: "post_self_attn_layernorm",
      mlpIn: "post_attention_layernorm",
      mlpOut: "post_mlp_layernorm",
    },
    fusedGateUp: true,
    interleavedRope: true,
    partialRotary: 0.5,
  },
  granite: {
    ...LLAMA,
    scales: (read) => ({
      embedding: read("embedding_multiplier", 1),
      residual: read("residual_multiplier", 1),
      attention: read("attention_multiplier", 1),
      logits: 1 / read("logits_scaling", 1),
    }),
  },
  hunyuan_v1_dense: {
    ...LLAMA,
    mlpBias: false,
    qkNorm: "head",
    qkNormNames: ["query_layernorm", "key_layernorm"],
    normsAfterRope: true,
  },
  internlm3: {
    ...LLAMA,
    qkvBias: "qkv_bias",
    outputBias: "bias",
    mlpBias: "bias",
  },
  llama: LLAMA,
  minicpm: {
    ...PLAIN,
    scales: (read, hidden_size, layers) => ({
      embedding: read("scale_emb", 1),
      residual: read("scale_depth", 1) / Math.sqrt(layers),
      logits: read("dim_model_base", hidden_size) / hidden_size,
    }),
  },
  mistral: { ...PLAIN, slidingWindow: "always" },
  olmo2: { ...LLAMA, mlpBias: false, qkNorm: "whole", norms: POST },
  phi3: {
    ...PLAIN,
    fusedQkv: true,
    fusedGateUp: true,
    slidingWindow: "always",
  },
  qwen2: { ...PLAIN, qkvBias: true, slidingWindow: "use_sliding_window" },
  qwen3: {
    ...LLAMA,
    mlpBias: false,
    qkNorm: "head",
    slidingWindow: "use_sliding_window",
  },
  seed_oss: { ...LLAMA, outputBias: "attention_out_bias" },
  smollm3: {
    ...LLAMA,
    ropeLayers: "no_rope_layers",
    slidingWindow: "use_sliding_window",
  },
};
