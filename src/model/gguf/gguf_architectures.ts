/**
 * The table of model families in llama.cpp. A row says what an architecture of llama.cpp computes;
 * if a config needs anything else, the export stops and names it. To add a family, add a row. Knows
 * no file.
 */
import type { ModelConfig } from "../config/config.ts";

/** What an architecture of llama.cpp computes. */
export interface Architecture {
  /** Its name, which is also the prefix of its metadata keys. */
  readonly name: string;
  /**
   * Whether the rows of q and k are written in another order, since llama.cpp rotates neighbouring
   * dims and the checkpoint has the two halves of a head.
   */
  readonly interleaved?: boolean;
  /** Names of tensors in a block that differ from those of Llama. */
  readonly names?: Readonly<Record<string, string>>;
  /** Matches names of the checkpoint for which the architecture has no tensor. */
  readonly lacks?: RegExp;
  /** Activation of the gated unit; default silu. */
  readonly activation?: ModelConfig["activation"];
  /** Whether a part of each head may stay unrotated; default false. */
  readonly partial?: boolean;
  /** Which layers rotate; default: all. */
  readonly rotates?: (layer: number) => boolean;
  /** Which layers have a sliding window; default: none. */
  readonly slides?: (layer: number) => boolean;
  /**
   * Base of the rotation in layers with a sliding window; default: the base of the other layers.
   */
  readonly slidingBase?: number;
  /** Whether attention scores and logits always have a soft cap; default: never. */
  readonly caps?: boolean;
  /**
   * Which factors it knows: those that metadata keys give ("keys"), or the square root of the width
   * on embeddings ("embedding"); default: none.
   */
  readonly scales?: "keys" | "embedding";
}

const LLAMA: Architecture = { name: "llama", interleaved: true };

const GEMMA: Architecture = {
  name: "gemma",
  lacks: /^lm_head/,
  activation: "gelu_tanh",
  scales: "embedding",
};

const SANDWICH = {
  post_attention_layernorm: "post_attention_norm",
  pre_feedforward_layernorm: "ffn_norm",
  post_feedforward_layernorm: "post_ffw_norm",
};

const OLMO2: Architecture = {
  name: "olmo2",
  names: SANDWICH,
  lacks: /\.bias$/,
};

/** The architectures by `model_type`. */
export const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  ernie4_5: { name: "ernie4_5" },
  gemma: GEMMA,
  gemma2: {
    ...GEMMA,
    name: "gemma2",
    names: SANDWICH,
    slides: (layer) => layer % 2 === 0,
    caps: true,
  },
  gemma3_text: {
    ...GEMMA,
    name: "gemma3",
    names: SANDWICH,
    slides: (layer) => layer % 6 !== 5,
    slidingBase: 10_000,
  },
  glm: {
    name: "chatglm",
    names: { "mlp.gate_up_proj": "ffn_up" },
    lacks: /o_proj\.bias$/,
    partial: true,
  },
  glm4: {
    name: "glm4",
    names: {
      post_self_attn_layernorm: "post_attention_norm",
      post_attention_layernorm: "ffn_norm",
      post_mlp_layernorm: "post_ffw_norm",
      "mlp.gate_up_proj": "ffn_up",
    },
    lacks: /o_proj\.bias$/,
    partial: true,
  },
  granite: { ...LLAMA, name: "granite", scales: "keys" },
  hunyuan_v1_dense: {
    name: "hunyuan-dense",
    names: {
      "self_attn.query_layernorm": "attn_q_norm",
      "self_attn.key_layernorm": "attn_k_norm",
    },
    lacks: /\.bias$/,
  },
  internlm3: LLAMA,
  llama: LLAMA,
  minicpm: { ...LLAMA, name: "minicpm", scales: "keys" },
  mistral: LLAMA,
  olmo2: OLMO2,
  olmo3: { ...OLMO2, slides: (layer) => layer % 4 !== 3 },
  phi3: {
    name: "phi3",
    names: {
      "self_attn.qkv_proj": "attn_qkv",
      "mlp.gate_up_proj": "ffn_up",
    },
    lacks: /\.bias$/,
  },
  qwen2: { name: "qwen2", lacks: /o_proj\.bias$/ },
  qwen3: { name: "qwen3", lacks: /\.bias$/ },
  seed_oss: {
    name: "seed_oss",
    names: { post_attention_layernorm: "post_attention_norm" },
    lacks: /mlp\..*\.bias$/,
  },
  smollm3: {
    ...LLAMA,
    name: "smollm3",
    rotates: (layer) => layer % 4 !== 3,
  },
};

/**
 * The architecture of a config.
 *
 * @throws {TypeError} naming everything that the config needs and the architecture does not have
 */
export function ggufArchitecture(config: ModelConfig): Architecture {
  const found = ARCHITECTURES[config.model_type];
  const problems = found ? unlike(config, found) : [
    `model_type "${config.model_type}" has no row in the table of architectures, expected one of ${
      Object.keys(ARCHITECTURES).join(", ")
    }`,
  ];
  if (found && problems.length === 0) return found;
  throw new TypeError(`Cannot export as GGUF: ${problems.join("; ")}`);
}

/** What a config needs and its architecture does not have. */
function unlike(config: ModelConfig, row: Architecture): string[] {
  const { ropes: { full }, layerRopes, windows, head_dim } = config;
  const { attn_logit_softcapping, final_logit_softcapping } = config;
  const caps = [attn_logit_softcapping, final_logit_softcapping];
  const isCapped = row.caps ?? false;
  const rotates = row.rotates ?? (() => true);
  const { slides } = row;
  const wrong: Readonly<Record<string, boolean>> = {
    [`activation ${config.activation}`]:
      config.activation !== (row.activation ?? "silu"),
    "softcapping": caps.some((cap) => (cap !== undefined) !== isCapped),
    "partial rotation": full.rotaryDim !== head_dim && !row.partial,
    "attention factor": full.attentionFactor !== 1,
    "layers without rotation": layerRopes.some((rope, layer) =>
      (rope !== undefined) !== rotates(layer)
    ),
    "layers with a sliding window": slides !== undefined &&
      windows.some((window, layer) => (window !== undefined) !== slides(layer)),
    "scales": !hasScales(config, row),
  };
  return Object.entries(wrong).filter(([, isWrong]) => isWrong).map(([what]) =>
    `its ${what} is not that of llama.cpp's "${row.name}"`
  );
}

function hasScales(
  { scales, hidden_size, head_dim }: ModelConfig,
  row: Architecture,
): boolean {
  if (row.scales === "keys") return true;
  const { embedding, residual, logits } = scales;
  const plain = row.scales === "embedding" ? Math.sqrt(hidden_size) : 1;
  const attention = scales.attention ?? head_dim ** -0.5;
  const close = (a: number, b: number) => Math.abs(a - b) < 1e-6 * b;
  return close(embedding, plain) && residual === 1 && logits === 1 &&
    close(attention, head_dim ** -0.5);
}
