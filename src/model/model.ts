/**
 * A decoder's parts on the device, under the checkpoint's own names: `model.layers[0].self_attn.q_proj` is the
 * tensor `model.layers.0.self_attn.q_proj.weight`. Knows no file and no forward pass.
 */
import type { Device } from "../../kernels/device.ts";
import type { Tensor } from "../../kernels/tensor.ts";
import type { Lora } from "../autograd/lora.ts";
import type { Parameter, Vector, Weight } from "../autograd/parameter.ts";
import type { ModelConfig } from "./config.ts";

/** A linear layer; its adapter comes and goes. */
export interface Linear {
  /** `[out, in]` */
  readonly weight: Weight;
  /** `[out]` */
  readonly bias?: Vector | undefined;
  /** What is added to its output while adapters take part. */
  lora?: Lora;
}

/** One block of a decoder. */
export interface Layer {
  readonly input_layernorm: Vector;
  readonly self_attn: {
    readonly q_proj: Linear;
    readonly k_proj: Linear;
    readonly v_proj: Linear;
    readonly o_proj: Linear;
    readonly q_norm?: Vector | undefined;
    readonly k_norm?: Vector | undefined;
  };
  readonly post_attention_layernorm: Vector;
  readonly mlp: {
    readonly gate_proj: Linear;
    readonly up_proj: Linear;
    readonly down_proj: Linear;
  };
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
   * `[max_position_embeddings, head_dim]`; see `ropeTable()`.
   *
   * @internal
   */
  readonly cosSin: Tensor;
}

/** The linear layers of a block, by the path of their names. */
export function linears(layer: Layer): [path: string, linear: Linear][] {
  const { q_proj, k_proj, v_proj, o_proj } = layer.self_attn;
  const { gate_proj, up_proj, down_proj } = layer.mlp;
  return [
    ["self_attn.q_proj", q_proj],
    ["self_attn.k_proj", k_proj],
    ["self_attn.v_proj", v_proj],
    ["self_attn.o_proj", o_proj],
    ["mlp.gate_proj", gate_proj],
    ["mlp.up_proj", up_proj],
    ["mlp.down_proj", down_proj],
  ];
}

/** Everything that carries numbers, in the order of a checkpoint; a tied head is not named twice. */
export function weights(model: Model): (Weight | Vector)[] {
  const found: (Weight | Vector | undefined)[] = [model.embed_tokens];
  for (const layer of model.layers) {
    found.push(
      layer.input_layernorm,
      layer.self_attn.q_norm,
      layer.self_attn.k_norm,
    );
    for (const [, { weight, bias }] of linears(layer)) found.push(weight, bias);
    found.push(layer.post_attention_layernorm);
  }
  found.push(model.norm);
  if (model.lm_head !== model.embed_tokens) found.push(model.lm_head);
  return found.filter((weight) => weight !== undefined);
}

/** The weights of all adapters, `a` then `b` of each layer. */
export function adapterWeights(model: Model): Weight[] {
  return model.layers.flatMap((layer) =>
    linears(layer).flatMap(([, { lora }]) => lora ? [lora.a, lora.b] : [])
  );
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
