/**
 * The table of model families: one row of switches for each, explained in family.ts. It has no
 * sizes, which come from config.json. To add a family, add a row.
 */
import type { Family, ModelPart, NormNames } from "./family.ts";

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
  activation: ["hidden_act", "gelu_pytorch_tanh"],
  scales: (_read, hidden_size) => ({
    embedding: Math.sqrt(hidden_size),
    residual: 1,
    logits: 1,
  }),
  defaults: { tie_word_embeddings: true, head_dim: 256 },
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

const GEMMA3: Family = {
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

const GLM: Family = {
  ...PLAIN,
  qkvBias: "attention_bias",
  fusedGateUp: true,
  interleavedRope: true,
  partialRotary: 0.5,
  readsPartialRotary: true,
  defaults: { attention_bias: true, head_dim: 128, rms_norm_eps: 1.5625e-7 },
};

const OLMO2: Family = {
  ...LLAMA,
  mlpBias: false,
  qkNorm: "whole",
  norms: POST,
  defaults: { rms_norm_eps: 1e-5 },
};

const MISTRAL: Family = { ...PLAIN, slidingWindow: "always" };

const QWEN3: Family = {
  ...LLAMA,
  mlpBias: false,
  qkNorm: "head",
  slidingWindow: "from_layer",
  defaults: { head_dim: 128 },
};

const MINISTRAL3: Family = {
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

const QWEN2: Family = {
  ...PLAIN,
  qkvBias: true,
  slidingWindow: "from_layer",
};

/** The text half of a vision model; its tensors sit beside the vision tower's. */
const textPart = (families: ModelPart["families"]): ModelPart => ({
  key: "text_config",
  families,
  tied: true,
  others: /^(model\.)?(vision_tower|multi_modal_projector)\./,
});

/** The text half of Qwen's vision models. */
const qwenPart = (families: ModelPart["families"]): ModelPart => ({
  ...textPart(families),
  tied: false,
  others: /^(model\.)?visual\./,
});

const QWEN2_5_VL_TEXT: Family = {
  ...QWEN2,
  hasRopeSections: true,
  defaults: {
    rms_norm_eps: 1e-5,
    rope_theta: 1_000_000,
    max_window_layers: 80,
  },
};

const QWEN3_VL_TEXT: Family = {
  ...QWEN3,
  slidingWindow: "never",
  hasRopeSections: true,
  defaults: { head_dim: 128, rope_theta: 500_000 },
};

/** The families served, by `model_type`. */
export const FAMILIES: Readonly<Record<string, Family>> = {
  ernie4_5: {
    ...LLAMA,
    qkvBias: "use_bias",
    outputBias: "use_bias",
    mlpBias: "use_bias",
    interleavedRope: true,
    defaults: {
      tie_word_embeddings: true,
      rms_norm_eps: 1e-5,
      head_dim: 128,
      rope_theta: 500_000,
    },
  },
  exaone4: {
    ...PLAIN,
    qkNorm: "head",
    norms: POST,
    ropeLayers: "sliding",
    slidingWindow: "always",
    slidingPattern: ["sliding_window_pattern", 4],
    defaults: { rms_norm_eps: 1e-5, sliding_window: 4096 },
  },
  gemma: GEMMA,
  gemma2: GEMMA2,
  gemma3: {
    ...GEMMA3,
    part: textPart({ gemma3_text: GEMMA3 }),
    textNames: "outer",
  },
  gemma3_text: GEMMA3,
  glm: GLM,
  glm4: {
    ...GLM,
    norms: {
      attentionIn: "input_layernorm",
      attentionOut: "post_self_attn_layernorm",
      mlpIn: "post_attention_layernorm",
      mlpOut: "post_mlp_layernorm",
    },
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
    hasRopeAlpha: true,
    defaults: { rms_norm_eps: 1e-5 },
  },
  internlm2: {
    ...PLAIN,
    qkvBias: "bias",
    outputBias: "bias",
    fusedQkv: "by_key_head",
    norms: { attentionIn: "attention_norm", mlpIn: "ffn_norm" },
    names: {
      embed_tokens: "tok_embeddings",
      self_attn: "attention",
      qkv_proj: "wqkv",
      o_proj: "wo",
      mlp: "feed_forward",
      gate_proj: "w1",
      up_proj: "w3",
      down_proj: "w2",
      lm_head: "output",
    },
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
    defaults: { tie_word_embeddings: true },
  },
  ministral3: MINISTRAL3,
  mistral: MISTRAL,
  mistral3: {
    ...MISTRAL,
    part: textPart({ mistral: MISTRAL, ministral3: MINISTRAL3 }),
    textNames: "outer",
  },
  mixtral: {
    ...MISTRAL,
    experts: {
      count: ["num_local_experts", "num_experts"],
      width: "intermediate_size",
      normalizes: true,
    },
    names: {
      mlp: "block_sparse_moe",
      gate_proj: "w1",
      up_proj: "w3",
      down_proj: "w2",
    },
    defaults: { rms_norm_eps: 1e-5, rope_theta: 1_000_000 },
  },
  olmo2: OLMO2,
  olmo3: {
    ...OLMO2,
    slidingWindow: "always",
    slidingPattern: 4,
    localTheta: 500_000,
    defaults: {
      ...OLMO2.defaults,
      sliding_window: 4096,
      rope_theta: 500_000,
    },
  },
  olmoe: {
    ...LLAMA,
    mlpBias: false,
    qkNorm: "whole",
    experts: {
      count: ["num_experts", "num_local_experts"],
      width: "intermediate_size",
      normalizes: "norm_topk_prob",
    },
    defaults: { rms_norm_eps: 1e-5 },
  },
  phi3: {
    ...PLAIN,
    fusedQkv: "in_turn",
    fusedGateUp: true,
    readsPartialRotary: true,
    slidingWindow: "always",
    defaults: { rms_norm_eps: 1e-5 },
  },
  qwen2: QWEN2,
  qwen2_5_vl: {
    ...QWEN2_5_VL_TEXT,
    part: {
      ...qwenPart({ qwen2_5_vl_text: QWEN2_5_VL_TEXT }),
      mayBeFlat: true,
      innerTies: true,
    },
    textNames: "plain",
  },
  qwen2_moe: {
    ...PLAIN,
    qkvBias: "qkv_bias",
    slidingWindow: "by_types",
    experts: {
      count: ["num_experts", "num_local_experts"],
      width: "moe_intermediate_size",
      normalizes: "norm_topk_prob",
      mixed: true,
      shared: "shared_expert_intermediate_size",
    },
    defaults: { qkv_bias: true },
  },
  qwen3: QWEN3,
  qwen3_vl: {
    ...QWEN3_VL_TEXT,
    part: qwenPart({ qwen3_vl_text: QWEN3_VL_TEXT }),
    textNames: "inner",
  },
  qwen3_moe: {
    ...QWEN3,
    slidingWindow: "if_used",
    defaults: {},
    experts: {
      count: ["num_experts", "num_local_experts"],
      width: "moe_intermediate_size",
      normalizes: "norm_topk_prob",
      mixed: true,
    },
  },
  seed_oss: {
    ...LLAMA,
    outputBias: "attention_out_bias",
    defaults: { attention_bias: true, head_dim: 128 },
  },
  smollm3: {
    ...LLAMA,
    ropeLayers: "no_rope_layers",
    slidingWindow: "by_types",
    defaults: { tie_word_embeddings: true, rope_theta: 2_000_000 },
  },
};
