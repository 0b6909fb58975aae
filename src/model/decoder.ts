/**
 * The forward pass of every family: ONE decoder, from tokens to normed hidden states. Runs recorded or not, over
 * a ragged batch or over a KV cache. Knows no file, no loss, no logits.
 */
import type { AttentionShape } from "../../kernels/attention_shape.ts";
import { cacheRows, type Projections } from "../../kernels/cache_rows.ts";
import { cachedAttention } from "../../kernels/cached_attention.ts";
import type { Device } from "../../kernels/device.ts";
import type { Tensor } from "../../kernels/tensor.ts";
import type { DropoutSeed } from "../autograd/lora.ts";
import * as ops from "../autograd/ops.ts";
import { checkpoint, contained, isRecording } from "../autograd/tape.ts";
import {
  type Adapters,
  type DecoderInput,
  type DecoderOptions,
  type Pass,
  preparePass,
} from "./decoder_pass.ts";
import type { Layer, Linear, Model } from "./model.ts";

export type { DecoderInput, DecoderOptions };

/** Hidden states after the last norm, `[rows, hidden_size]`. */
export function hiddenStates(
  model: Model,
  input: DecoderInput,
  options: DecoderOptions = {},
): Tensor {
  const { device, config } = model;
  const pass = preparePass(model, input, options);
  const { tokens: given } = input;
  const tokens = given instanceof Uint32Array
    ? { ids: given, tensor: device.upload(given, [given.length], "u32") }
    : { tensor: given };
  let x = ops.embedding(device, tokens, model.embed_tokens);
  for (const index of model.layers.keys()) {
    const block = (x: Tensor) => runBlock(pass, index, x);
    const next = isRecording() && options.gradientCheckpointing
      ? checkpoint(device, x, block)
      : contained(device, () => block(x));
    if (!isRecording()) device.release(x);
    x = next;
  }
  return ops.rmsNorm(device, x, model.norm, config.rms_norm_eps);
}

function runBlock(pass: Pass, index: number, x: Tensor): Tensor {
  const { model: { device, config, layers }, options } = pass;
  const layer = layers[index]!;
  const eps = config.rms_norm_eps;
  const { rows, adapters } = pass.queries[index]!;
  const draw = dropoutStreams(options, index);
  const linear = bindLinear(device, adapters, draw);
  const all = bindLinear(device, pass.adapters, draw);
  const asking = (x: Tensor) => rows ? ops.gatherRows(device, x, rows) : x;
  const x0 = ops.rmsNorm(device, x, layer.input_layernorm, eps);
  const attended = attend(pass, index, {
    ...{ x: x0, asking: asking(x0), linear, all },
  });
  const h = ops.add(device, asking(x), attended);
  const normed = ops.rmsNorm(device, h, layer.post_attention_layernorm, eps);
  const gate = linear(normed, layer.mlp.gate_proj);
  const up = linear(normed, layer.mlp.up_proj);
  const unit = ops.gatedUnit(device, gate, up, config.activation);
  return ops.add(device, h, linear(unit, layer.mlp.down_proj));
}

type Apply = (x: Tensor, linear: Linear) => Tensor;

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

/** Linear layers with the adapters that serve the tokens at hand. */
function bindLinear(
  device: Device,
  adapters: Adapters,
  draw: () => DropoutSeed | undefined,
): Apply {
  return (x, { weight, bias, lora }) =>
    ops.linear(device, x, weight, {
      bias,
      lora: adapters ? lora : undefined,
      loraRows: typeof adapters === "boolean" ? undefined : adapters,
      mask: draw(),
    });
}

/** Keys and values of all tokens `x`, queries of those that ask. */
function attend(
  pass: Pass,
  index: number,
  { x, asking, linear, all }: {
    x: Tensor;
    asking: Tensor;
    /** For those that ask. */
    linear: Apply;
    /** For all tokens. */
    all: Apply;
  },
): Tensor {
  const { device, config, layers } = pass.model;
  const { self_attn } = layers[index]!;
  const normed = (x: Tensor, norm: Layer["self_attn"]["q_norm"]) =>
    norm ? ops.rmsNorm(device, x, norm, config.rms_norm_eps) : x;
  const projections = {
    q: normed(linear(asking, self_attn.q_proj), self_attn.q_norm),
    k: normed(all(x, self_attn.k_proj), self_attn.k_norm),
    v: all(x, self_attn.v_proj),
  };
  const run = pass.options.cache ? attendCache : attendTokens;
  return linear(run(pass, index, projections), self_attn.o_proj);
}

/** Among the tokens at hand. */
function attendTokens(
  { model, positions, queries }: Pass,
  index: number,
  { q, k, v }: Projections,
): Tensor {
  const { device, cosSin } = model;
  const shape = attentionShape(model);
  const { heads, kvHeads, headDim } = shape;
  const asking = queries[index]!;
  const qOptions = { heads, headDim };
  const kOptions = { heads: kvHeads, headDim };
  return ops.attention(
    device,
    [
      ops.rope(device, q, cosSin, asking.positions, qOptions),
      ops.rope(device, k, cosSin, positions, kOptions),
      v,
    ],
    asking.ranges,
    shape,
  );
}

/** Over the cache, to which the tokens at hand are added; the caller advances its lengths. */
function attendCache(
  { model, options, queries }: Pass,
  index: number,
  projections: Projections,
): Tensor {
  const { device, cosSin } = model;
  const shape = attentionShape(model);
  const cache = options.cache!.kv.layers[index]!;
  const { positions, ranges } = queries[index]!;
  const { headDim } = shape;
  const how = { headDim, cosSin };
  const q = cacheRows(device, projections, positions, cache, how);
  return cachedAttention(device, q, cache, ranges, shape);
}

function attentionShape({ config }: Model): AttentionShape {
  const { head_dim: headDim } = config;
  return {
    heads: config.num_attention_heads,
    kvHeads: config.num_key_value_heads,
    headDim,
    scale: 1 / Math.sqrt(headDim),
  };
}
