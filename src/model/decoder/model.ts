/**
 * The parts of a decoder on the device, under the names of the checkpoint:
 * `model.layers[0].self_attn.q_proj` is the tensor `model.layers.0.self_attn.q_proj.weight`. Knows
 * no file and no forward pass.
 */
import type { Device } from "../../../kernels/device/device.ts";
import type { Lora } from "../../autograd/lora.ts";
import type { Parameter, Vector, Weight } from "../../autograd/parameter.ts";
import type { ModelConfig } from "../config/config.ts";
import type { NormNames } from "../config/family.ts";
import type { RopeTables } from "./rope_table.ts";

/** A linear layer, to which an adapter may be attached. */
export interface Linear {
  /** `[out, in]` */
  readonly weight: Weight;
  /** `[out]` */
  readonly bias?: Vector | undefined;
  /** The adapter, whose product is added to the output while adapters take part. */
  lora?: Lora | undefined;
}

/** The weight of a norm, in some families with a bias. */
export interface Norm extends Vector {
  readonly bias?: Vector | undefined;
}

/** A norm that has no weight, over so many numbers. */
export interface PlainNorm {
  readonly size: number;
}

/** The norms of a block. Families differ in which of them they have. */
export type Norms = {
  readonly [Place in keyof NormNames]?: Norm | PlainNorm | undefined;
};

/** The numbers of xIELU, an activation that is trained. */
export interface XieluVectors {
  readonly alpha_p: Vector;
  readonly alpha_n: Vector;
  readonly beta: Vector;
  readonly eps: Vector;
}

/** A gated unit. In some families one matrix makes gate and up, in others there is no gate. */
export interface GatedUnit {
  readonly gate_proj?: Linear | undefined;
  readonly up_proj?: Linear | undefined;
  readonly gate_up_proj?: Linear | undefined;
  readonly down_proj: Linear;
  readonly act_fn?: XieluVectors | undefined;
}

/** Gated units of which a router chooses some for each token. */
export interface Experts {
  /** The router; its weight is `[num_experts, hidden_size]`. */
  readonly gate: Linear;
  readonly experts: readonly GatedUnit[];
  /**
   * The shared expert, which serves every token; its gate, `[1, hidden_size]`, gives the factor of
   * its output for each token.
   */
  readonly shared_expert?: GatedUnit | undefined;
  readonly shared_expert_gate?: Linear | undefined;
}

/** One block of a decoder. In some families one matrix makes q, k and v. */
export interface Layer {
  readonly norms: Norms;
  readonly self_attn: {
    readonly q_proj?: Linear | undefined;
    readonly k_proj?: Linear | undefined;
    readonly v_proj?: Linear | undefined;
    readonly qkv_proj?: Linear | undefined;
    readonly o_proj: Linear;
    readonly q_norm?: Norm | PlainNorm | undefined;
    readonly k_norm?: Norm | PlainNorm | undefined;
  };
  readonly mlp: GatedUnit | Experts;
}

/** A decoder that is ready to run. */
export interface Model {
  /** The device on which it lies and runs. */
  readonly device: Device;
  /** The sizes and switches of the model. */
  readonly config: ModelConfig;
  /**
   * The embedding, `[vocab_size, hidden_size]`.
   *
   * @internal
   */
  readonly embed_tokens: Weight;
  /**
   * The blocks in order.
   *
   * @internal
   */
  readonly layers: readonly Layer[];
  /**
   * The norm after the last block, `[hidden_size]`.
   *
   * @internal
   */
  readonly norm: Norm | PlainNorm;
  /**
   * The head, `[vocab_size, hidden_size]`; the same object as `embed_tokens` if they are tied.
   *
   * @internal
   */
  readonly lm_head: Weight;
  /**
   * The reward head, `[1, hidden_size]`. Only reward models have it; their `lm_head` is
   * `embed_tokens` and is not used.
   *
   * @internal
   */
  readonly score?: Weight | undefined;
  /**
   * Cosines and sines of the rotary embeddings, `[max_position_embeddings, head_dim]`; see
   * `ropeTable()`.
   *
   * @internal
   */
  readonly cosSin: RopeTables;
  /**
   * The model without its adapter, given if the adapter has whole modules. Both share all other
   * parts.
   *
   * @internal
   */
  readonly base?: Model;
  /**
   * Embedding or head that came with an adapter's file and stay when adapters are off.
   *
   * @internal
   */
  readonly replaced?: readonly (Weight | Vector)[];
}

/**
 * The model whose modules serve a pass: the base if adapters take no part.
 *
 * @param adapters whether adapters take part, or for which tokens
 * @throws {TypeError} if the adapter has whole modules and serves only some of the tokens
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

/** All linear layers of a block. */
export function linears({ self_attn, mlp }: Layer): Linear[] {
  return [...within(self_attn), ...within(mlp)];
}

/** The linear layers of a part of a block, and of the gated units in it. */
function within(part: Layer["self_attn"] | Layer["mlp"]): Linear[] {
  const members: readonly (
    | Linear
    | Norm
    | PlainNorm
    | GatedUnit
    | XieluVectors
  )[] = Object.values(part)
    .flat().filter((member) => member !== undefined);
  return members.flatMap((member): Linear[] =>
    "weight" in member ? [member] : "down_proj" in member ? within(member) : []
  );
}

/** All weights of a block, in the order of a checkpoint. */
function layerWeights(layer: Layer): (Weight | Vector)[] {
  const { norms, self_attn, mlp } = layer;
  const found: (Weight | Vector | undefined)[] = [
    ...normVectors(norms.attentionIn),
    ...normVectors(norms.attentionOut),
    ...normVectors(self_attn.q_norm),
    ...normVectors(self_attn.k_norm),
  ];
  for (const { weight, bias } of linears(layer)) {
    found.push(weight, bias);
  }
  if ("act_fn" in mlp && mlp.act_fn) found.push(...Object.values(mlp.act_fn));
  found.push(...normVectors(norms.mlpIn), ...normVectors(norms.mlpOut));
  return found.filter((weight) => weight !== undefined);
}

/** The weight and the bias of a norm, where it has them. */
function normVectors(norm: Norm | PlainNorm | undefined): Vector[] {
  if (norm === undefined || "size" in norm) return [];
  return norm.bias ? [norm, norm.bias] : [norm];
}

/** All weights of a model, in the order of a checkpoint; a tied head is listed once. */
export function weights(model: Model): (Weight | Vector)[] {
  const { embed_tokens, layers, norm, lm_head, score } = model;
  const head = lm_head === embed_tokens ? [] : [lm_head];
  if (score) head.push(score);
  return [
    embed_tokens,
    ...layers.flatMap(layerWeights),
    ...normVectors(norm),
    ...head,
  ];
}

/** The weights of a block's adapters: `a`, `b` and the magnitudes of each layer. */
function layerAdapters(layer: Layer): (Weight | Vector)[] {
  return linears(layer).flatMap(({ lora }) =>
    lora ? [lora.a, lora.b, ...(lora.dora ? [lora.dora.m] : [])] : []
  );
}

/** The weights of all adapters. */
export function adapterWeights(model: Model): (Weight | Vector)[] {
  return model.layers.flatMap(layerAdapters);
}

/** Whether training changes any weight of a block. */
export function isTrainedLayer(layer: Layer): boolean {
  return [...layerWeights(layer), ...layerAdapters(layer)]
    .some(({ parameter }) => parameter);
}

/** The whole modules that an adapter is saved with. */
export function savedParts(model: Model): (Weight | Vector)[] {
  const replaced = model.replaced ?? [];
  if (!model.base) return [...replaced];
  const shared = new Set(weights(model.base));
  const own = weights(model).filter((part) => !shared.has(part));
  return [...replaced, ...own];
}

/** All trained weights: those with a parameter. */
export function trainedWeights(model: Model): (Weight | Vector)[] {
  return [...weights(model), ...adapterWeights(model)].filter(({ parameter }) =>
    parameter
  );
}

/** All parameters that training changes. */
export function parameters(model: Model): Parameter[] {
  return trainedWeights(model).map(({ parameter }) => parameter!);
}
