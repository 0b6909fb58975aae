/**
 * One decoder block while it runs: its layer, the tokens that it computes, and how its norms and
 * linear layers are applied. Attention and MLP are built from these functions, which know neither.
 */
import type { Device } from "../../../kernels/device/device.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import type { DropoutSeed } from "../../autograd/lora.ts";
import type { RmsNormOptions } from "../../autograd/op_inputs.ts";
import * as ops from "../../autograd/ops.ts";
import type { ModelConfig } from "../config/config.ts";
import type {
  Adapters,
  DecoderOptions,
  Pass,
  Queries,
} from "./decoder_pass.ts";
import type { Layer, Linear, Norm, PlainNorm } from "./model.ts";

/** A block that is about to run. */
export interface Block {
  readonly pass: Pass;
  readonly device: Device;
  readonly config: ModelConfig;
  /** Index of the block, from 0. */
  readonly index: number;
  readonly layer: Layer;
  /** The tokens whose hidden states the block computes; keys and values come from all tokens. */
  readonly queries: Queries;
  /** Gives the dropout seed of the block's next linear layer; undefined without dropout. */
  readonly nextDropout: () => DropoutSeed | undefined;
  /** Whether layers of one input may share a launch. True only where no backward pass follows. */
  readonly sharesLaunches: boolean;
}

/** Prepares a block of a pass. */
export function openBlock(pass: Pass, index: number): Block {
  const { model: { device, config, layers }, options } = pass;
  return {
    pass,
    device,
    config,
    index,
    layer: layers[index]!,
    queries: pass.queries[index]!,
    nextDropout: dropoutStreams(options, index),
    sharesLaunches: pass.inPlace && !options.dropout,
  };
}

/**
 * Each linear layer of the model draws from its own dropout stream. A stream's number has 16 bits
 * within a micro-batch (65,536): 4,096 blocks of 16 linear layers each. All experts' layers of one
 * projection count as one.
 */
function dropoutStreams(
  { dropout }: DecoderOptions,
  index: number,
): () => DropoutSeed | undefined {
  let drawn = 0;
  return () =>
    dropout && {
      seed: dropout.seed,
      stream: dropout.stream * 65_536 + index * 16 + drawn++,
    };
}

/** The rows of the block's queries, of a tensor with a row for each token. */
export function queryRows({ device, queries }: Block, x: Tensor): Tensor {
  return queries.rows ? ops.gatherRows(device, x, queries.rows) : x;
}

/** `x` after a norm of the block; `x` itself if the family has no norm there. */
export function norm(
  { pass }: Pick<Block, "pass">,
  x: Tensor,
  weight: Norm | PlainNorm | undefined,
): Tensor {
  if (!weight) return x;
  const { model: { device, config }, ones } = pass;
  const options = normOptions(config);
  if ("size" in weight) {
    const tensor = ones.get(weight.size)!;
    return ops.rmsNorm(device, x, { name: "", tensor }, options);
  }
  return config.family.normKind?.startsWith("layer")
    ? ops.layerNorm(device, x, weight, options)
    : ops.rmsNorm(device, x, weight, options);
}

/** The options of every norm of a model. */
function normOptions(
  { rms_norm_eps, family }: ModelConfig,
): RmsNormOptions {
  return { eps: rms_norm_eps, offset: family.normOffset };
}

/**
 * Applies a linear layer with its adapter.
 *
 * @param options `adapters`: which rows of `x` the adapters serve; default: as for the block's
 *   queries. `into`: see `LinearParts`
 */
export function applyLinear(
  { device, queries, nextDropout }: Block,
  x: Tensor,
  layer: Linear,
  { adapters = queries.adapters, into }: {
    readonly adapters?: Adapters;
    readonly into?: Tensor | undefined;
  } = {},
): Tensor {
  const { weight, ...parts } = servedLayer(layer, adapters);
  return ops.linear(device, x, weight, {
    ...parts,
    into,
    mask: nextDropout(),
  });
}

/** A linear layer with its adapter, if that serves any of the tokens. */
export function servedLayer(
  { weight, bias, lora }: Linear,
  adapters: Adapters,
) {
  return {
    weight,
    bias,
    lora: adapters ? lora : undefined,
    loraRows: typeof adapters === "boolean" ? undefined : adapters,
  };
}
