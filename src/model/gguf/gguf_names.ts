/** Names of tensors and hyperparameters in GGUF files. Knows no file. */
import type { GgufValue } from "../../files/gguf/gguf.ts";
import type { ModelConfig } from "../config/config.ts";
import type { Architecture } from "./gguf_architectures.ts";

/** Names of tensors outside the blocks. */
const OUTER: Readonly<Record<string, string>> = {
  "model.embed_tokens": "token_embd",
  "model.norm": "output_norm",
  "lm_head": "output",
};

/** Names of tensors in a block, unless a family has others. */
const INNER: Readonly<Record<string, string>> = {
  "input_layernorm": "attn_norm",
  "self_attn.q_proj": "attn_q",
  "self_attn.k_proj": "attn_k",
  "self_attn.v_proj": "attn_v",
  "self_attn.o_proj": "attn_output",
  "self_attn.q_norm": "attn_q_norm",
  "self_attn.k_norm": "attn_k_norm",
  "post_attention_layernorm": "ffn_norm",
  "mlp.gate_proj": "ffn_gate",
  "mlp.up_proj": "ffn_up",
  "mlp.down_proj": "ffn_down",
};

/**
 * The name of a tensor in a GGUF file.
 *
 * @throws {TypeError} if the architecture has no such tensor
 */
export function ggufName(name: string, architecture: Architecture): string {
  const [, path = "", kind = ""] = /^(.*)\.(weight|bias)$/.exec(name) ?? [];
  const [, layer, part = ""] = /^model\.layers\.(\d+)\.(.*)$/.exec(path) ?? [];
  const inner = architecture.names?.[part] ?? INNER[part];
  const found = layer === undefined
    ? OUTER[path]
    : inner && `blk.${layer}.${inner}`;
  if (found !== undefined && !architecture.lacks?.test(name)) {
    return `${found}.${kind}`;
  }
  throw new TypeError(
    `Cannot export as GGUF: architecture "${architecture.name}" of llama.cpp has no tensor for "${name}"`,
  );
}

/** Whether the rows of a tensor are put in the order of interleaved rotation, head by head. */
export function isInterleaved(
  name: string,
  { interleaved }: Architecture,
): boolean {
  return interleaved === true && /\.[qk]_proj\.(weight|bias)$/.test(name);
}

/** The metadata of a config, and what metadata cannot express. */
export interface Hyperparameters {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /**
   * Sentences for the user about what the metadata cannot express; empty if they express
   * everything.
   */
  readonly notes: readonly string[];
}

/** The hyperparameters of a config. */
export function ggufHyperparameters(
  config: ModelConfig,
  architecture: Architecture,
): Hyperparameters {
  const { max_position_embeddings, windows } = config;
  const window = Math.min(...windows.map((width) => width ?? Infinity));
  const isShort = !architecture.slides && window < max_position_embeddings;
  const integers: Record<string, number | undefined> = {
    vocab_size: config.vocab_size,
    context_length: isShort ? window : max_position_embeddings,
    embedding_length: config.hidden_size,
    block_count: config.num_hidden_layers,
    feed_forward_length: config.intermediate_size,
    "attention.head_count": config.num_attention_heads,
    "attention.head_count_kv": config.num_key_value_heads,
    "attention.key_length": config.head_dim,
    "attention.value_length": config.head_dim,
    "attention.sliding_window": architecture.slides && window < Infinity
      ? window
      : undefined,
    "rope.dimension_count": config.ropes.full.rotaryDim,
  };
  const numbers: Record<string, number | undefined> = {
    "attention.layer_norm_rms_epsilon": config.rms_norm_eps,
    attn_logit_softcapping: config.attn_logit_softcapping,
    final_logit_softcapping: config.final_logit_softcapping,
    ...architecture.scales === "keys" ? scaleKeys(config) : {},
  };
  return {
    metadata: new Map([
      ...entries(architecture.name, "uint32", integers),
      ...entries(architecture.name, "float32", numbers),
    ]),
    notes: isShort
      ? [
        `llama.cpp's "${architecture.name}" has no sliding window: context_length is ${window}, up to which all is the same`,
      ]
      : [],
  };
}

/** The keys of the factors. llama.cpp divides the logits by its factor. */
function scaleKeys(
  { scales }: ModelConfig,
): Record<string, number | undefined> {
  return {
    embedding_scale: scales.embedding,
    residual_scale: scales.residual,
    logit_scale: 1 / scales.logits,
    "attention.scale": scales.attention,
  };
}

function entries(
  name: string,
  type: "uint32" | "float32",
  values: Readonly<Record<string, number | undefined>>,
): [string, GgufValue][] {
  return Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [[`${name}.${key}`, { type, value }]]
  );
}
