/**
 * Which tensors a checkpoint of a config must have, with names and shapes, and how a model is built from them.
 * Knows no file and no number: the maker of weights and vectors is given.
 */
import type { Vector, Weight } from "../autograd/parameter.ts";
import type { ModelConfig } from "./config.ts";
import type { Layer, Linear, Model } from "./model.ts";

/** A tensor that a checkpoint must have. */
export interface WeightLayout {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Makes the parts of a model by name. */
export interface WeightMaker {
  weight(name: string, shape: readonly [rows: number, cols: number]): Weight;
  vector(name: string, shape: readonly [size: number]): Vector;
}

/** Builds a model's parts in the order of a checkpoint. */
export function buildModel(
  config: ModelConfig,
  make: WeightMaker,
): Pick<Model, "embed_tokens" | "layers" | "norm" | "lm_head"> {
  const { hidden_size, vocab_size } = config;
  const embed_tokens = make.weight("model.embed_tokens.weight", [
    vocab_size,
    hidden_size,
  ]);
  const layers = Array.from(
    { length: config.num_hidden_layers },
    (_, i) => buildLayer(config, make, `model.layers.${i}`),
  );
  const norm = make.vector("model.norm.weight", [hidden_size]);
  const lm_head = config.tie_word_embeddings
    ? embed_tokens
    : make.weight("lm_head.weight", [vocab_size, hidden_size]);
  return { embed_tokens, layers, norm, lm_head };
}

function buildLayer(
  config: ModelConfig,
  make: WeightMaker,
  path: string,
): Layer {
  const { hidden_size, intermediate_size, head_dim } = config;
  const queries = config.num_attention_heads * head_dim;
  const keys = config.num_key_value_heads * head_dim;
  const linear = (
    name: string,
    rows: number,
    cols: number,
    bias: boolean,
  ): Linear => ({
    weight: make.weight(`${path}.${name}.weight`, [rows, cols]),
    bias: bias ? make.vector(`${path}.${name}.bias`, [rows]) : undefined,
  });
  const norm = (name: string, size: number) =>
    make.vector(`${path}.${name}.weight`, [size]);
  return {
    input_layernorm: norm("input_layernorm", hidden_size),
    self_attn: {
      q_proj: linear("self_attn.q_proj", queries, hidden_size, config.qkvBias),
      k_proj: linear("self_attn.k_proj", keys, hidden_size, config.qkvBias),
      v_proj: linear("self_attn.v_proj", keys, hidden_size, config.qkvBias),
      o_proj: linear(
        "self_attn.o_proj",
        hidden_size,
        queries,
        config.outputBias,
      ),
      q_norm: config.headNorm ? norm("self_attn.q_norm", head_dim) : undefined,
      k_norm: config.headNorm ? norm("self_attn.k_norm", head_dim) : undefined,
    },
    post_attention_layernorm: norm("post_attention_layernorm", hidden_size),
    mlp: {
      gate_proj: linear(
        "mlp.gate_proj",
        intermediate_size,
        hidden_size,
        config.mlpBias,
      ),
      up_proj: linear(
        "mlp.up_proj",
        intermediate_size,
        hidden_size,
        config.mlpBias,
      ),
      down_proj: linear(
        "mlp.down_proj",
        hidden_size,
        intermediate_size,
        config.mlpBias,
      ),
    },
  };
}

/** Every tensor that a checkpoint of this config has; a tied head has none of its own. */
export function weightLayouts(config: ModelConfig): WeightLayout[] {
  const layouts: WeightLayout[] = [];
  const note = <T>(name: string, shape: readonly number[]): T => {
    layouts.push({ name, shape });
    return undefined as T;
  };
  buildModel(config, { weight: note, vector: note });
  return layouts;
}
