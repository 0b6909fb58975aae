/**
 * Model families as llama.cpp knows them: ONE table of architectures, the names of tensors, and the hyperparameters
 * of a config. To add a family is to add a row. Knows no file and no number of a weight.
 */
import type { GgufValue } from "../files/gguf.ts";
import type { ModelConfig } from "./config.ts";

/** A family in llama.cpp. */
interface Architecture {
  /** Its name, and what its keys begin with. */
  readonly name: string;
  /** Rotates neighbours `(2i, 2i + 1)`, not halves `(i, i + head_dim / 2)`: rows of q and k are put in that order. */
  readonly interleaved: boolean;
  /** Endings of our names that it has no tensors for. */
  readonly lacks?: RegExp;
}

const LLAMA: Architecture = { name: "llama", interleaved: true };

/** By `model_type`. */
const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  llama: LLAMA,
  mistral: LLAMA,
  qwen2: { name: "qwen2", interleaved: false, lacks: /o_proj\.bias$/ },
  qwen3: { name: "qwen3", interleaved: false, lacks: /\.bias$/ },
};

/** Names outside the blocks. */
const OUTER: Readonly<Record<string, string>> = {
  "model.embed_tokens": "token_embd",
  "model.norm": "output_norm",
  "lm_head": "output",
};

/** Names in a block. */
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

/** The architecture of a config. @throws TypeError in one line if llama.cpp's has not all that the config asks for */
export function ggufArchitecture(config: ModelConfig): Architecture {
  const found = ARCHITECTURES[config.model_type];
  const problems = [
    ...(found ? [] : [
      `model_type "${config.model_type}" has no row in the table of architectures, expected one of ${
        Object.keys(ARCHITECTURES).join(", ")
      }`,
    ]),
    ...switchedOn(config).map((what) => `its ${what} has no like there`),
  ];
  if (found && problems.length === 0) return found;
  throw new TypeError(`Cannot export as GGUF: ${problems.join("; ")}`);
}

/** Switches of a config that the architectures above do not have. */
function switchedOn(config: ModelConfig): string[] {
  const { ropes: { full }, layerRopes, head_dim } = config;
  const { attn_logit_softcapping, final_logit_softcapping } = config;
  const capped = attn_logit_softcapping ?? final_logit_softcapping;
  return [
    ...(config.activation === "silu" ? [] : [`${config.activation}`]),
    ...(capped === undefined ? [] : ["softcapping"]),
    ...(full.rotaryDim === head_dim ? [] : ["partial rotation"]),
    ...(full.attentionFactor === 1 ? [] : ["attention factor"]),
    ...(layerRopes.every((rope) => rope) ? [] : ["layers without rotation"]),
  ];
}

/**
 * The name of a tensor in a GGUF file.
 *
 * @throws TypeError if the architecture has no such tensor
 */
export function ggufName(name: string, architecture: Architecture): string {
  const [, path = "", kind = ""] = /^(.*)\.(weight|bias)$/.exec(name) ?? [];
  const [, layer, inner = ""] = /^model\.layers\.(\d+)\.(.*)$/.exec(path) ?? [];
  const found = layer === undefined
    ? OUTER[path]
    : INNER[inner] && `blk.${layer}.${INNER[inner]}`;
  if (found !== undefined && !architecture.lacks?.test(name)) {
    return `${found}.${kind}`;
  }
  throw new TypeError(
    `Cannot export as GGUF: architecture "${architecture.name}" of llama.cpp has no tensor for "${name}"`,
  );
}

/** Whether a tensor's rows are put in the order of interleaved rotation, head by head. */
export function isInterleaved(
  name: string,
  architecture: Architecture,
): boolean {
  return architecture.interleaved && /\.[qk]_proj\.(weight|bias)$/.test(name);
}

/** What a config says of itself in the file, and what of it the file cannot say. */
export interface Hyperparameters {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** In words, for the user; empty if all is said. */
  readonly notes: readonly string[];
}

/** The hyperparameters of a config. */
export function ggufHyperparameters(
  config: ModelConfig,
  architecture: Architecture,
): Hyperparameters {
  const { max_position_embeddings, windows } = config;
  const context = windows.reduce(
    (least: number, window) => Math.min(least, window ?? least),
    max_position_embeddings,
  );
  const notes = context === max_position_embeddings ? [] : [
    `llama.cpp's "${architecture.name}" has no sliding window: context_length is ${context}, up to which all is the same`,
  ];
  const integers = {
    vocab_size: config.vocab_size,
    context_length: context,
    embedding_length: config.hidden_size,
    block_count: config.num_hidden_layers,
    feed_forward_length: config.intermediate_size,
    "attention.head_count": config.num_attention_heads,
    "attention.head_count_kv": config.num_key_value_heads,
    "attention.key_length": config.head_dim,
    "attention.value_length": config.head_dim,
    "rope.dimension_count": config.head_dim,
  };
  const entries: [string, GgufValue][] = Object.entries(integers).map((
    [key, value],
  ) => [key, { type: "uint32", value }]);
  entries.push(["attention.layer_norm_rms_epsilon", {
    type: "float32",
    value: config.rms_norm_eps,
  }]);
  const named = entries.map(([key, value]) =>
    [`${architecture.name}.${key}`, value] as const
  );
  return { metadata: new Map(named), notes };
}
