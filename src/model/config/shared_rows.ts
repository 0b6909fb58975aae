/**
 * Rows of switches that several families of families.ts share or differ little from. Knows no
 * model_type but those of text halves.
 */
import type { Family, ModelPart, NormNames } from "./family.ts";

const PRE: NormNames = {
  attentionIn: "input_layernorm",
  mlpIn: "post_attention_layernorm",
};
/** The row from which those of its kin differ. */
export const POST: NormNames = {
  attentionOut: "post_attention_layernorm",
  mlpOut: "post_feedforward_layernorm",
};

/** The row from which those of its kin differ. */
export const LLAMA: Family = {
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

/** The row from which those of its kin differ. */
export const PLAIN: Family = {
  ...LLAMA,
  qkvBias: false,
  outputBias: false,
  mlpBias: false,
};

/** The row from which those of its kin differ. */
export const GEMMA: Family = {
  ...LLAMA,
  mlpBias: false,
  normOffset: 1,
  activations: { gelu: "gelu_tanh" },
  activation: ["hidden_act", "gelu_pytorch_tanh"],
  scales: (_read, hidden_size) => ({
    embedding: Math.sqrt(hidden_size),
    residual: 1,
    logits: 1,
  }),
  defaults: { tie_word_embeddings: true, head_dim: 256 },
};

/** The row from which those of its kin differ. */
export const GEMMA2: Family = {
  ...GEMMA,
  norms: {
    attentionIn: "input_layernorm",
    attentionOut: "post_attention_layernorm",
    mlpIn: "pre_feedforward_layernorm",
    mlpOut: "post_feedforward_layernorm",
  },
  slidingWindow: "always",
  slidingPattern: 2,
  activation: ["hidden_activation", "gelu_pytorch_tanh"],
  softcaps: ["attn_logit_softcapping", "final_logit_softcapping"],
  scales: (read, hidden_size) => ({
    embedding: Math.sqrt(hidden_size),
    residual: 1,
    attention: read("query_pre_attn_scalar", 256) ** -0.5,
    logits: 1,
  }),
  defaults: {
    ...GEMMA.defaults,
    sliding_window: 4096,
    attn_logit_softcapping: 50,
    final_logit_softcapping: 30,
  },
};

/** The row from which those of its kin differ. */
export const GEMMA3: Family = {
  ...GEMMA2,
  qkNorm: "head",
  slidingPattern: ["sliding_window_pattern", 6],
  softcaps: ["final_logit_softcapping"],
  localTheta: "rope_local_base_freq",
  // config.json of Gemma 3 may leave out almost every key
  defaults: {
    ...GEMMA.defaults,
    num_attention_heads: 8,
    num_key_value_heads: 4,
    vocab_size: 262_208,
    max_position_embeddings: 131_072,
    sliding_window: 4096,
    rope_theta: 1_000_000,
    rope_local_base_freq: 10_000,
  },
};

/** The row from which those of its kin differ. */
export const GLM: Family = {
  ...PLAIN,
  qkvBias: "attention_bias",
  fusedGateUp: true,
  interleavedRope: true,
  partialRotary: 0.5,
  readsPartialRotary: true,
  defaults: { attention_bias: true, head_dim: 128, rms_norm_eps: 1.5625e-7 },
};

/** The row from which those of its kin differ. */
export const OLMO2: Family = {
  ...LLAMA,
  mlpBias: false,
  qkNorm: "whole",
  norms: POST,
  defaults: { rms_norm_eps: 1e-5 },
};

/** The row from which those of its kin differ. */
export const MISTRAL: Family = { ...PLAIN, slidingWindow: "always" };

/** The row from which those of its kin differ. */
export const QWEN3: Family = {
  ...LLAMA,
  mlpBias: false,
  qkNorm: "head",
  slidingWindow: "from_layer",
  defaults: { head_dim: 128 },
};

/** The row from which those of its kin differ. */
export const MINISTRAL3: Family = {
  ...MISTRAL,
  hasQueryGrowth: true,
  defaults: {
    head_dim: 128,
    rms_norm_eps: 1e-5,
    rope_parameters: {
      rope_type: "yarn",
      rope_theta: 1_000_000,
      factor: 16,
      original_max_position_embeddings: 16_384,
      beta_fast: 32,
      beta_slow: 1,
      mscale: 1,
      mscale_all_dim: 1,
      llama_4_scaling_beta: 0.1,
    },
  },
};

/** The row from which those of its kin differ. */
export const QWEN2: Family = {
  ...PLAIN,
  qkvBias: true,
  slidingWindow: "from_layer",
};

/** The text half of a vision model; its tensors sit beside the vision tower's. */
export const textPart = (families: ModelPart["families"]): ModelPart => ({
  key: "text_config",
  families,
  tied: true,
  others: /^(model\.)?(vision_tower|multi_modal_projector)\./,
});

/** The text half of Qwen's vision models. */
export const qwenPart = (families: ModelPart["families"]): ModelPart => ({
  ...textPart(families),
  tied: false,
  others: /^(model\.)?visual\./,
});

/** The row from which those of its kin differ. */
export const QWEN2_5_VL_TEXT: Family = {
  ...QWEN2,
  hasRopeSections: true,
  defaults: {
    rms_norm_eps: 1e-5,
    rope_theta: 1_000_000,
    max_window_layers: 80,
  },
};

/** The row from which those of its kin differ. */
export const QWEN3_VL_TEXT: Family = {
  ...QWEN3,
  slidingWindow: "never",
  hasRopeSections: true,
  defaults: { head_dim: 128, rope_theta: 500_000 },
};

/** The row from which those of its kin differ. */
export const GRANITE: Family = {
  ...LLAMA,
  scales: (read) => ({
    embedding: read("embedding_multiplier", 1),
    residual: read("residual_multiplier", 1),
    attention: read("attention_multiplier", 1),
    logits: 1 / read("logits_scaling", 1),
  }),
};

/** One layer norm, which attention and MLP both read. */
export const COHERE: Family = {
  ...LLAMA,
  mlpBias: false,
  normKind: "layer",
  norms: { attentionIn: "input_layernorm" },
  parallel: true,
  interleavedRope: true,
  aliases: { layer_norm_eps: "rms_norm_eps" },
  scales: (read) => ({
    embedding: 1,
    residual: 1,
    logits: read("logit_scale", 0.0625),
  }),
  defaults: {
    tie_word_embeddings: true,
    rms_norm_eps: 1e-5,
    max_position_embeddings: 8192,
  },
};
