/**
 * The forward pass of every family: ONE decoder, from tokens to normed hidden states. Runs recorded
 * or not, over a ragged batch or over a KV cache. Knows no file, no loss, no logits.
 */
import type { AttentionShape } from "../../../kernels/attention/attention_shape.ts";
import {
  cacheRows,
  type Projections,
} from "../../../kernels/attention/cache_rows.ts";
import { cachedAttention } from "../../../kernels/attention/cached_attention.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import type { DropoutSeed } from "../../autograd/lora.ts";
import type { RmsNormOptions } from "../../autograd/op_inputs.ts";
import * as ops from "../../autograd/ops.ts";
import type { Vector } from "../../autograd/parameter.ts";
import {
  checkpoint,
  contained,
  isRecording,
  isTracked,
} from "../../autograd/tape.ts";
import type { ModelConfig } from "../config/config.ts";
import {
  type DecoderInput,
  type DecoderOptions,
  type Pass,
  preparePass,
  type Turns,
} from "./decoder_pass.ts";
import { type Apply, bindLinear, runMlp, servedLayer } from "./mlp.ts";
import {
  isTrainedLayer,
  type Layer,
  type Model,
  servingModel,
} from "./model.ts";

export type { DecoderInput, DecoderOptions };

/** Hidden states after the last norm, `[rows, hidden_size]`. */
export function hiddenStates(
  adapted: Model,
  input: DecoderInput,
  options: DecoderOptions = {},
): Tensor {
  const model = servingModel(adapted, options.adapters);
  const { device, config } = model;
  const pass = preparePass(model, input, options);
  const { tokens: given } = input;
  const tokens = given instanceof Uint32Array
    ? { ids: given, tensor: device.upload(given, [given.length], "u32") }
    : { tensor: given };
  const { embedding } = config.scales;
  let x = ops.embedding(device, tokens, model.embed_tokens);
  if (embedding !== 1) x = ops.scale(device, x, embedding);
  for (const index of model.layers.keys()) {
    const block = (x: Tensor) => runBlock(pass, index, x);
    // below the lowest trained block there is nothing to go back for
    const goesBack = isTracked(x) || isTrainedLayer(model.layers[index]!);
    const next = isRecording() && options.gradientCheckpointing && goesBack
      ? checkpoint(device, x, block)
      : contained(device, () => block(x));
    const isKept = next === x || (isRecording() && goesBack);
    if (!isKept) device.release(x);
    x = next;
  }
  return ops.rmsNorm(device, x, model.norm, normOptions(config));
}

function normOptions({ rms_norm_eps, family }: ModelConfig): RmsNormOptions {
  return { eps: rms_norm_eps, offset: family.normOffset };
}

function runBlock(pass: Pass, index: number, x: Tensor): Tensor {
  const { model: { device, config, layers }, options } = pass;
  const { norms, mlp } = layers[index]!;
  const { rows, adapters } = pass.queries[index]!;
  const draw = dropoutStreams(options, index);
  const together = pass.inPlace && !options.dropout;
  const served = { adapters, draw, together };
  const linear = bindLinear(device, served);
  const all = bindLinear(device, { ...served, adapters: pass.adapters });
  const asking = (x: Tensor) => rows ? ops.gatherRows(device, x, rows) : x;
  const normed = (x: Tensor, norm: Vector | undefined) =>
    norm ? ops.rmsNorm(device, x, norm, normOptions(config)) : x;
  const { residual } = config.scales;
  /**
   * The stream with what a part of the block adds to it: in its place, where nobody goes back to
   * what it was.
   */
  const plus = (
    to: Tensor,
    norm: Vector | undefined,
    part: (into?: Tensor) => Tensor,
  ) => {
    if (pass.inPlace && !norm && residual === 1) return part(to);
    const out = normed(part(), norm);
    const scaled = residual === 1 ? out : ops.scale(device, out, residual);
    return ops.add(device, to, scaled);
  };
  const x0 = normed(x, norms.attentionIn);
  const h = plus(
    asking(x),
    norms.attentionOut,
    (into) =>
      attend(pass, index, {
        x: x0,
        asking,
        linear,
        all,
        into,
        together: together && !rows,
      }),
  );
  const bound = { device, config, linear, ...served };
  const h0 = normed(h, norms.mlpIn);
  return plus(h, norms.mlpOut, (into) => runMlp(bound, mlp, h0, into));
}

/** Each linear layer of the model draws its own dropout stream. */
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

interface Attending {
  /** All tokens. */
  readonly x: Tensor;
  /** The rows of those that ask. */
  readonly asking: (x: Tensor) => Tensor;
  /** For those that ask. */
  readonly linear: Apply;
  /** For all tokens. */
  readonly all: Apply;
  /** What the result is added to, in its place. */
  readonly into: Tensor | undefined;
  /** Whether queries, keys and values may be made in one launch, for all tokens. */
  readonly together: boolean;
}

/** Queries of the tokens that ask, keys and values of all, before norms and rotations. */
function project(
  { model: { device, config }, adapters }: Pass,
  { q_proj, k_proj, v_proj, qkv_proj }: Layer["self_attn"],
  { x, asking, linear, all, together }: Attending,
): Projections {
  if (!qkv_proj) {
    const layers = [q_proj!, k_proj!, v_proj!];
    const made = together && ops.siblingLinears(
      device,
      x,
      layers.map((layer) => servedLayer(layer, adapters)),
    );
    if (made) return { q: made[0]!, k: made[1]!, v: made[2]! };
    return {
      q: linear(asking(x), q_proj!),
      k: all(x, k_proj!),
      v: all(x, v_proj!),
    };
  }
  const queries = config.num_attention_heads * config.head_dim;
  const keys = config.num_key_value_heads * config.head_dim;
  const fused = all(x, qkv_proj);
  const groups = config.family.fusedQkv === "by_key_head"
    ? config.num_key_value_heads
    : 1;
  const part = (first: number, count: number) =>
    ops.columns(device, fused, [first / groups, count / groups], groups);
  return {
    q: asking(part(0, queries)),
    k: part(queries, keys),
    v: part(queries + keys, keys),
  };
}

function attend(pass: Pass, index: number, parts: Attending): Tensor {
  const { self_attn } = pass.model.layers[index]!;
  const projected = project(pass, self_attn, parts);
  const { normsAfterRope } = pass.model.config.family;
  const before = normsAfterRope ? projected : headNorms(pass, index, projected);
  const run = pass.options.cache ? attendCache : attendTokens;
  const attended = run(pass, index, before);
  return parts.linear(attended, self_attn.o_proj, parts.into);
}

/** The norms of queries and keys, where the family has them. */
function headNorms(
  { model: { device, config, layers } }: Pass,
  index: number,
  { q, k, v }: Projections,
): Projections {
  const { q_norm, k_norm } = layers[index]!.self_attn;
  const normed = (x: Tensor, norm: Vector | undefined) =>
    norm ? ops.rmsNorm(device, x, norm, normOptions(config)) : x;
  return { q: normed(q, q_norm), k: normed(k, k_norm), v };
}

/** Queries and keys turned by their positions, in layers that turn. */
function turn(
  { model: { device, config, cosSin } }: Pass,
  index: number,
  { q, k, v }: Projections,
  { asking, all }: Turns,
): Projections {
  const { head_dim: headDim } = config;
  const kind = config.layerRopes[index];
  if (!kind) return { q, k, v };
  const { rotaryDim, interleaved } = config.ropes[kind];
  const turned = (x: Tensor, at: Tensor, heads: number) =>
    ops.rope(device, x, cosSin[kind], at, {
      heads,
      headDim,
      rotaryDim,
      interleaved,
    });
  return {
    q: turned(q, asking, config.num_attention_heads),
    k: turned(k, all, config.num_key_value_heads),
    v,
  };
}

/** Among the tokens at hand. */
function attendTokens(
  pass: Pass,
  index: number,
  projected: Projections,
): Tensor {
  const { model, positions, queries } = pass;
  const asking = queries[index]!;
  const turns = { asking: asking.positions, all: positions };
  const turned = turn(pass, index, projected, turns);
  const { q, k, v } = model.config.family.normsAfterRope
    ? headNorms(pass, index, turned)
    : turned;
  return ops.attention(
    model.device,
    [q, k, v],
    asking.ranges,
    attentionShape(model),
  );
}

/** Over the cache, to which the tokens at hand are added; the caller advances its lengths. */
function attendCache(
  pass: Pass,
  index: number,
  projected: Projections,
): Tensor {
  const { model, options, queries } = pass;
  const { device, cosSin, config } = model;
  const shape = attentionShape(model);
  const cache = options.cache!.kv.layers[index]!;
  const { positions, ranges, turns } = queries[index]!;
  const { normsAfterRope, interleavedRope: interleaved } = config.family;
  // the launch that fills the cache turns as well, unless norms come in between
  const ready = normsAfterRope && turns
    ? headNorms(pass, index, turn(pass, index, projected, turns))
    : projected;
  const kind = normsAfterRope ? "none" : config.layerRopes[index] ?? "none";
  const how = { headDim: shape.headDim, cosSin: cosSin[kind], interleaved };
  const q = cacheRows(device, ready, positions, cache, how);
  return cachedAttention(device, q, cache, ranges, shape);
}

function attentionShape({ config }: Model): AttentionShape {
  const { head_dim: headDim } = config;
  return {
    heads: config.num_attention_heads,
    kvHeads: config.num_key_value_heads,
    headDim,
    scale: config.scales.attention ?? 1 / Math.sqrt(headDim),
    softcap: config.attn_logit_softcapping ?? 0,
  };
}
