/**
 * A decoder's parts on the device, under the checkpoint's own names:
 * `model.layers[0].self_attn.q_proj` is the tensor `model.layers.0.self_attn.q_proj.weight`. Knows
 * no file and no forward pass.
 */
import type { Device } from "../../../kernels/device/device.ts";
import type { Lora } from "../../autograd/lora.ts";
import type { Parameter, Vector, Weight } from "../../autograd/parameter.ts";
import type { ModelConfig } from "../config/config.ts";
import type { NormNames } from "../config/family.ts";
import type { RopeTables } from "./rope_table.ts";

/** A linear layer; its adapter comes and goes. */
export interface Linear {
  /** `[out, in]` */
  readonly weight: Weight;
  /** `[out]` */
  readonly bias?: Vector | undefined;
  /** What is added to its output while adapters take part. */
  lora?: Lora;
}

/** The norms of a block; which there are, and their names, differ by family. */
export type Norms = {
  readonly [Place in keyof NormNames]?: Vector | undefined;
};

/** A feed-forward unit. Some families make gate and up with one matrix. */
export interface GatedUnit {
  readonly gate_proj?: Linear | undefined;
  readonly up_proj?: Linear | undefined;
  readonly gate_up_proj?: Linear | undefined;
  readonly down_proj: Linear;
}

/** Units of which a router chooses some for each token. */
export interface Experts {
  /** The router, `[num_experts, hidden_size]`. */
  readonly gate: Linear;
  readonly experts: readonly GatedUnit[];
  /** A unit for every token, and the share of it that each token takes, `[1, hidden_size]`. */
  readonly shared_expert?: GatedUnit | undefined;
  readonly shared_expert_gate?: Linear | undefined;
}

/** One block of a decoder. Some families make q, k and v with one matrix. */
export interface Layer {
  readonly norms: Norms;
  readonly self_attn: {
    readonly q_proj?: Linear | undefined;
    readonly k_proj?: Linear | undefined;
    readonly v_proj?: Linear | undefined;
    readonly qkv_proj?: Linear | undefined;
    readonly o_proj: Linear;
    readonly q_norm?: Vector | undefined;
    readonly k_norm?: Vector | undefined;
  };
  readonly mlp: GatedUnit | Experts;
}

/** A decoder ready to run. */
export interface Model {
  /** Where it runs. */
  readonly device: Device;
  /** Its sizes and switches. */
  readonly config: ModelConfig;
  /**
   * `[vocab_size, hidden_size]`
   *
   * @internal
   */
  readonly embed_tokens: Weight;
  /**
   * Blocks, first to last.
   *
   * @internal
   */
  readonly layers: readonly Layer[];
  /**
   * The last norm, `[hidden_size]`.
   *
   * @internal
   */
  readonly norm: Vector;
  /**
   * `[vocab_size, hidden_size]`; the same object as `embed_tokens` if they are tied.
   *
   * @internal
   */
  readonly lm_head: Weight;
  /**
   * `[1, hidden_size]`; of reward models, which have no head: `lm_head` is `embed_tokens` there and
   * means nothing.
   *
   * @internal
   */
  readonly score?: Weight | undefined;
  /**
   * `[max_position_embeddings, head_dim]`; see `ropeTable()`.
   *
   * @internal
   */
  readonly cosSin: RopeTables;
  /**
   * What the model is without its adapters, where these bring modules of their own; it shares all
   * other parts.
   *
   * @internal
   */
  readonly base?: Model;
}

/**
 * The model whose modules serve a pass: its base where adapters take no part.
 *
 * @param adapters whether they do, or for which tokens
 * @throws {TypeError} if modules differ from token to token
 */
export function servingModel(
  model: Model,
  adapters: boolean | readonly boolean[] = true,
): Model {
  if (!model.base) return model;
  const [first = true] = typeof adapters === "boolean" ? [adapters] : adapters;
  if (typeof adapters === "boolean" || adapters.every((one) => one === first)) {
    return first ? model : model.base;
  }
  throw new TypeError(
    "Cannot run a pass whose adapters serve some tokens only: expected true or false for all, since the adapter has modules of its own",
  );
}

/** The linear layers of a block. */
export function linears({ self_attn, mlp }: Layer): Linear[] {
  return [...within(self_attn), ...within(mlp)];
}

/** The linear layers of a part, and of the units in it. */
function within(part: Layer["self_attn"] | Layer["mlp"]): Linear[] {
  const members: readonly (Linear | Vector | GatedUnit)[] = Object.values(part)
    .flat().filter((member) => member !== undefined);
  return members.flatMap((member): Linear[] =>
    "weight" in member ? [member] : "down_proj" in member ? within(member) : []
  );
}

/** Everything of a block that carries numbers, in the order of a checkpoint. */
function layerWeights(layer: Layer): (Weight | Vector)[] {
  const { norms, self_attn } = layer;
  const found: (Weight | Vector | undefined)[] = [
    norms.attentionIn,
    norms.attentionOut,
    self_attn.q_norm,
    self_attn.k_norm,
  ];
  for (const { weight, bias } of linears(layer)) {
    found.push(weight, bias);
  }
  found.push(norms.mlpIn, norms.mlpOut);
  return found.filter((weight) => weight !== undefined);
}

/**
 * Everything that carries numbers, in the order of a checkpoint; a tied head is not named twice.
 */
export function weights(model: Model): (Weight | Vector)[] {
  const { embed_tokens, layers, norm, lm_head, score } = model;
  const head = lm_head === embed_tokens ? [] : [lm_head];
  if (score) head.push(score);
  return [embed_tokens, ...layers.flatMap(layerWeights), norm, ...head];
}

/** A block's adapters: `a`, `b` and magnitudes of each layer. */
function layerAdapters(layer: Layer): (Weight | Vector)[] {
  return linears(layer).flatMap(({ lora }) =>
    lora ? [lora.a, lora.b, ...(lora.dora ? [lora.dora.m] : [])] : []
  );
}

/** The weights of all adapters. */
export function adapterWeights(model: Model): (Weight | Vector)[] {
  return model.layers.flatMap(layerAdapters);
}

/** Whether training changes something of a block. */
export function isTrainedLayer(layer: Layer): boolean {
  return [...layerWeights(layer), ...layerAdapters(layer)]
    .some(({ parameter }) => parameter);
}

/** The parts that an adapter has in full, in the place of its base's. */
export function savedParts(model: Model): (Weight | Vector)[] {
  if (!model.base) return [];
  const shared = new Set(weights(model.base));
  return weights(model).filter((part) => !shared.has(part));
}

/** Weights that training changes: those with a parameter. */
export function trainedWeights(model: Model): (Weight | Vector)[] {
  return [...weights(model), ...adapterWeights(model)].filter(({ parameter }) =>
    parameter
  );
}

/** All that training changes. */
export function parameters(model: Model): Parameter[] {
  return trainedWeights(model).map(({ parameter }) => parameter!);
}
