/**
 * Which tensors a checkpoint must have by its config, with names and shapes, and how a model is
 * built from them. Knows no file and no numbers: the caller passes a maker of weights and vectors.
 */
import type { TensorReader } from "../../files/safetensors/safetensors.ts";
import type { Vector, Weight } from "../../autograd/parameter.ts";
import type { ModelConfig } from "../config/config.ts";
import type { NormNames } from "../config/family.ts";
import type {
  GatedUnit,
  Layer,
  Linear,
  Model,
  Norm,
  PlainNorm,
  XieluVectors,
} from "../decoder/model.ts";
import { tensorName } from "../config/tensor_names.ts";
import { SCORE } from "./reward_head.ts";

/** Name and shape of a tensor of a checkpoint. */
export interface WeightLayout {
  readonly name: string;
  readonly shape: readonly number[];
  /** What kind of vector it is; undefined: a matrix of products. */
  readonly vector?: VectorKind | undefined;
}

/** What a vector is beside its numbers; its shape may have several axes. */
export interface VectorKind {
  /** Whether it is never trained; default false. */
  readonly frozen?: boolean;
  /** Its numbers in a random model; default 1, of a bias 0. */
  readonly start?: number;
}

/** Makes a part of a model by its name. */
export interface WeightMaker {
  weight(name: string, shape: readonly [rows: number, cols: number]): Weight;
  vector(name: string, shape: readonly number[], kind?: VectorKind): Vector;
}

/** Builds the parts of a model, in the order of a checkpoint. */
export function buildModel(
  config: ModelConfig,
  maker: WeightMaker,
): Pick<Model, "embed_tokens" | "layers" | "norm" | "lm_head" | "score"> {
  const { hidden_size, vocab_size, family } = config;
  const make: WeightMaker = {
    weight: (path, shape) => maker.weight(tensorName(family, path), shape),
    vector: (path, shape, kind = {}) =>
      maker.vector(tensorName(family, path), shape, kind),
  };
  const embed_tokens = make.weight("model.embed_tokens.weight", [
    vocab_size,
    hidden_size,
  ]);
  const layers = Array.from(
    { length: config.num_hidden_layers },
    (_, i) => buildLayer(config, make, i),
  );
  const norm = makeNorm(config, make, "model.norm", [hidden_size]);
  if (config.rewardHead) {
    const score = make.weight(SCORE, [1, hidden_size]);
    return { embed_tokens, layers, norm, lm_head: embed_tokens, score };
  }
  const lm_head = config.tie_word_embeddings
    ? embed_tokens
    : make.weight("lm_head.weight", [vocab_size, hidden_size]);
  return { embed_tokens, layers, norm, lm_head };
}

function buildLayer(
  config: ModelConfig,
  make: WeightMaker,
  index: number,
): Layer {
  const path = `model.layers.${index}`;
  const {
    family,
    hidden_size,
    head_dim,
    num_attention_heads,
    num_key_value_heads,
  } = config;
  const norm = (name: string, ...shape: number[]) =>
    makeNorm(config, make, `${path}.${name}`, shape);
  const placed = (place: keyof NormNames) => {
    const name = family.norms[place];
    return name === undefined ? undefined : norm(name, hidden_size);
  };
  const [qName, kName] = family.qkNormNames.map((name) => `self_attn.${name}`);
  const headNorm = (name: string, heads: number) =>
    family.qkNorm === "whole"
      ? norm(name, heads * head_dim)
      : family.qkNorm === "each_head"
      ? norm(name, heads, head_dim)
      : norm(name, head_dim);
  const has = family.qkNorm !== "none";
  return {
    norms: {
      attentionIn: placed("attentionIn"),
      attentionOut: placed("attentionOut"),
      mlpIn: placed("mlpIn"),
      mlpOut: placed("mlpOut"),
    },
    self_attn: {
      ...attentionLinears(config, make, path),
      q_norm: has ? headNorm(qName!, num_attention_heads) : undefined,
      k_norm: has ? headNorm(kName!, num_key_value_heads) : undefined,
    },
    mlp: config.experts?.layers[index]
      ? expertLinears(config, make, `${path}.mlp`)
      : unitLinears(config, make, `${path}.mlp`, config.intermediate_size),
  };
}

/** A norm of the family's kind, under its path. */
function makeNorm(
  { family: { normKind } }: ModelConfig,
  make: WeightMaker,
  path: string,
  shape: readonly number[],
): Norm | PlainNorm {
  if (normKind === "rms_plain") return { size: shape.at(-1)! };
  const weight = make.vector(`${path}.weight`, shape);
  return normKind === "layer_bias"
    ? { ...weight, bias: make.vector(`${path}.bias`, shape) }
    : weight;
}

/** xIELU's numbers start where transformers has them: softplus of 0.2036 is 0.8, of -1.0502 0.3. */
function xieluVectors(make: WeightMaker, path: string): XieluVectors {
  const alpha = (name: string, start: number) =>
    make.vector(`${path}.${name}`, [1], { start });
  const fixed = (name: string, start: number) =>
    make.vector(`${path}.${name}`, [], { start, frozen: true });
  return {
    alpha_p: alpha("alpha_p", Math.log(Math.expm1(0.8))),
    alpha_n: alpha("alpha_n", Math.log(Math.expm1(0.3))),
    beta: fixed("beta", 0.5),
    eps: fixed("eps", -1e-6),
  };
}

function makeLinear(
  make: WeightMaker,
  path: string,
  [rows, cols]: readonly [number, number],
  bias: boolean,
): Linear {
  return {
    weight: make.weight(`${path}.weight`, [rows, cols]),
    bias: bias ? make.vector(`${path}.bias`, [rows]) : undefined,
  };
}

function attentionLinears(
  config: ModelConfig,
  make: WeightMaker,
  path: string,
) {
  const { family, hidden_size, head_dim, qkvBias, outputBias } = config;
  const queries = config.num_attention_heads * head_dim;
  const keys = config.num_key_value_heads * head_dim;
  const linear = (name: string, rows: number) =>
    makeLinear(make, `${path}.self_attn.${name}`, [rows, hidden_size], qkvBias);
  const o_proj = () =>
    makeLinear(
      make,
      `${path}.self_attn.o_proj`,
      [hidden_size, queries],
      outputBias,
    );
  if (family.fusedQkv) {
    return {
      qkv_proj: linear("qkv_proj", queries + 2 * keys),
      o_proj: o_proj(),
    };
  }
  return {
    q_proj: linear("q_proj", queries),
    k_proj: linear("k_proj", keys),
    v_proj: linear("v_proj", keys),
    o_proj: o_proj(),
  };
}

function expertLinears(
  config: ModelConfig,
  make: WeightMaker,
  path: string,
): Layer["mlp"] {
  const { hidden_size, experts } = config;
  const { num_experts, intermediate_size, shared } = experts!;
  const linear = (name: string, rows: number) =>
    makeLinear(make, `${path}.${name}`, [rows, hidden_size], false);
  const unit = (name: string, size: number) =>
    unitLinears(config, make, `${path}.${name}`, size);
  return {
    gate: linear("gate", num_experts),
    experts: Array.from(
      { length: num_experts },
      (_, i) => unit(`experts.${i}`, intermediate_size),
    ),
    ...(shared !== undefined && {
      shared_expert: unit("shared_expert", shared),
      shared_expert_gate: linear("shared_expert_gate", 1),
    }),
  };
}

function unitLinears(
  { family, hidden_size, mlpBias, activation }: ModelConfig,
  make: WeightMaker,
  path: string,
  intermediate_size: number,
): GatedUnit {
  const linear = (name: string, rows: number) =>
    makeLinear(make, `${path}.${name}`, [rows, hidden_size], mlpBias);
  const down_proj = () =>
    makeLinear(
      make,
      `${path}.down_proj`,
      [hidden_size, intermediate_size],
      mlpBias,
    );
  if (family.fusedGateUp) {
    return {
      gate_up_proj: linear("gate_up_proj", 2 * intermediate_size),
      down_proj: down_proj(),
    };
  }
  if (family.hasGate === false) {
    return {
      up_proj: linear("up_proj", intermediate_size),
      down_proj: down_proj(),
      ...(activation === "xielu" && {
        act_fn: xieluVectors(make, `${path}.act_fn`),
      }),
    };
  }
  return {
    gate_proj: linear("gate_proj", intermediate_size),
    up_proj: linear("up_proj", intermediate_size),
    down_proj: down_proj(),
  };
}

/**
 * All tensors of a checkpoint with this config; a head that is tied to the embedding has none.
 *
 * @param stored the weights beside the config
 * @throws {RangeError} if the config asks for far more tensors than there are
 */
export function weightLayouts(
  config: ModelConfig,
  stored?: Pick<TensorReader, "tensors" | "files">,
): WeightLayout[] {
  const layouts: WeightLayout[] = [];
  const size = stored?.tensors.size ?? Infinity;
  // a few that are missing are named one by one
  const most = 2 * size + 1000;
  const note = <T>(
    name: string,
    shape: readonly number[],
    vector?: VectorKind,
  ): T => {
    if (layouts.length >= most) {
      throw new RangeError(
        `Cannot load "${
          stored?.files.join('", "')
        }": found ${size} tensors, but the ${config.num_hidden_layers} layers of config.json have more than ${most}`,
      );
    }
    layouts.push({ name, shape, vector });
    return undefined as T;
  };
  buildModel(config, { weight: note, vector: note });
  return layouts;
}
