/**
 * The forward pass of every family: ONE decoder, from tokens to normed hidden states. Runs recorded or not, over
 * a ragged batch or over a KV cache. Knows no file, no loss, no logits.
 */
import { copyTensor } from "../../kernels/copy.ts";
import type { Device } from "../../kernels/device.ts";
import type { Tensor } from "../../kernels/tensor.ts";
import type { DropoutSeed } from "../autograd/lora.ts";
import type { AttentionRanges } from "../autograd/op_inputs.ts";
import * as ops from "../autograd/ops.ts";
import { checkpoint, contained, isRecording } from "../autograd/tape.ts";
import { queryRanges, windowedRanges } from "./attention_ranges.ts";
import type { CachedLayer, CacheWrite, KvCache } from "./kv_cache.ts";
import type { Layer, Linear, Model } from "./model.ts";

/** Tokens of one or more sequences in a row, and which keys each of them sees. Nothing is padded. */
export interface DecoderInput {
  /** `[tokens]` */
  readonly tokens: Uint32Array;
  /** `[tokens]` position of each token in its sequence. */
  readonly positions: Uint32Array;
  /** `[tokens, 4]` begin and end of the prompt's keys, begin and end of the token's own. */
  readonly ranges: Uint32Array;
  /** `[rows]` tokens whose hidden states are wanted; default: all. */
  readonly rows?: Uint32Array;
}

/** How to run a decoder. */
export interface DecoderOptions {
  /** Whether adapters take part; default true. Without them an adapted model is its base. */
  readonly adapters?: boolean;
  /** Keys and values of earlier tokens; new ones go to `writes`. `ranges` then count in the cache. */
  readonly cache?: {
    readonly kv: KvCache;
    readonly writes: readonly CacheWrite[];
  };
  /** Recompute each block in the backward pass instead of keeping its activations. */
  readonly gradientCheckpointing?: boolean;
  /** Given while training: which elements dropout drops. Each layer draws its own stream. */
  readonly dropout?: DropoutSeed;
}

interface Pass {
  readonly model: Model;
  readonly options: DecoderOptions;
  readonly positions: Tensor;
  readonly ranges: readonly AttentionRanges[];
}

/** Hidden states after the last norm, `[rows, hidden_size]`. */
export function hiddenStates(
  model: Model,
  input: DecoderInput,
  options: DecoderOptions = {},
): Tensor {
  const { device, config } = model;
  const pass = preparePass(model, input, options);
  const tokens = {
    ids: input.tokens,
    tensor: device.upload(input.tokens, [input.tokens.length], "u32"),
  };
  let x = ops.embedding(device, tokens, model.embed_tokens);
  for (const index of model.layers.keys()) {
    const block = (x: Tensor) => runBlock(pass, index, x);
    const next = isRecording() && options.gradientCheckpointing
      ? checkpoint(device, x, block)
      : contained(device, () => block(x));
    if (!isRecording()) device.release(x);
    x = next;
  }
  const rows = input.rows ? ops.gatherRows(device, x, input.rows) : x;
  return ops.rmsNorm(device, rows, model.norm, config.rms_norm_eps);
}

/** Ranges are uploaded once per window that occurs, not once per layer. */
function preparePass(
  model: Model,
  input: DecoderInput,
  options: DecoderOptions,
): Pass {
  const { device, config } = model;
  const kv = options.cache?.kv;
  const count = input.tokens.length;
  checkPositions(input.positions, config.max_position_embeddings);
  const keys = kv ? kv.sequences * kv.capacity : count;
  // rows of a cache are positions, sequence after sequence
  const keyPositions = kv
    ? Uint32Array.from({ length: keys }, (_, row) => row % kv.capacity)
    : input.positions;
  const byWindow = new Map<number | undefined, AttentionRanges>();
  const ranges = config.windows.map((window) => {
    const known = byWindow.get(window);
    if (known) return known;
    const narrowed = windowedRanges(input.ranges, keyPositions, window);
    const made = {
      ranges: device.upload(narrowed, [count, 4], "u32"),
      queryRanges: isRecording()
        ? device.upload(queryRanges(narrowed, keys), [keys, 2], "u32")
        : device.allocate([0, 2], "u32"),
    };
    byWindow.set(window, made);
    return made;
  });
  return {
    model,
    options,
    positions: device.upload(input.positions, [count], "u32"),
    ranges,
  };
}

/** Past the table of rotations there is none. */
function checkPositions(positions: Uint32Array, limit: number): void {
  const longest = positions.reduce((most, x) => Math.max(most, x), -1) + 1;
  if (longest <= limit) return;
  throw new RangeError(
    `Cannot run model: found a sequence of ${longest} tokens, expected at most max_position_embeddings ${limit}; lower max_length`,
  );
}

function runBlock(pass: Pass, index: number, x: Tensor): Tensor {
  const { model: { device, config, layers }, options } = pass;
  const layer = layers[index]!;
  const eps = config.rms_norm_eps;
  const linear = bindLinear(device, options, index);
  const attended = attend(
    pass,
    index,
    ops.rmsNorm(device, x, layer.input_layernorm, eps),
    linear,
  );
  const h = ops.add(device, x, attended);
  const normed = ops.rmsNorm(device, h, layer.post_attention_layernorm, eps);
  const gate = linear(normed, layer.mlp.gate_proj);
  const up = linear(normed, layer.mlp.up_proj);
  const unit = ops.gatedUnit(device, gate, up, config.activation);
  return ops.add(device, h, linear(unit, layer.mlp.down_proj));
}

type Apply = (x: Tensor, linear: Linear) => Tensor;

/** Each linear layer of the model draws its own dropout stream. */
function bindLinear(
  device: Device,
  options: DecoderOptions,
  index: number,
): Apply {
  let drawn = 0;
  return (x, { weight, bias, lora }) => {
    const { adapters = true, dropout } = options;
    const mask = dropout && {
      seed: dropout.seed,
      stream: dropout.stream * 65_536 + index * 16 + drawn++,
    };
    return ops.linear(device, x, weight, {
      bias,
      lora: adapters ? lora : undefined,
      mask,
    });
  };
}

function attend(pass: Pass, index: number, x: Tensor, linear: Apply): Tensor {
  const { model, options, positions } = pass;
  const { device, config } = model;
  const { self_attn } = model.layers[index]!;
  const [heads, kvHeads, headDim] = [
    config.num_attention_heads,
    config.num_key_value_heads,
    config.head_dim,
  ];
  const q = rotated(pass, linear(x, self_attn.q_proj), self_attn.q_norm, heads);
  const k = rotated(
    pass,
    linear(x, self_attn.k_proj),
    self_attn.k_norm,
    kvHeads,
  );
  const v = linear(x, self_attn.v_proj);
  const shape = { heads, kvHeads, headDim, scale: 1 / Math.sqrt(headDim) };
  const cached = options.cache && append(device, options.cache, index, k, v);
  const keys = cached ?? { k, v };
  const o = ops.attention(
    device,
    [q, keys.k, keys.v],
    pass.ranges[index]!,
    shape,
  );
  return linear(o, self_attn.o_proj);

  function rotated(
    { model: { cosSin } }: Pass,
    projected: Tensor,
    norm: Layer["self_attn"]["q_norm"],
    heads: number,
  ): Tensor {
    const normed = norm
      ? ops.rmsNorm(device, projected, norm, config.rms_norm_eps)
      : projected;
    return ops.rope(device, normed, cosSin, positions, { heads, headDim });
  }
}

/** Writes new keys and values to their rows of the cache; the caller advances its lengths. */
function append(
  device: Device,
  { kv, writes }: NonNullable<DecoderOptions["cache"]>,
  index: number,
  k: Tensor,
  v: Tensor,
): CachedLayer {
  const layer = kv.layers[index]!;
  const cols = layer.k.shape[1]!;
  for (const { from, to, count } of writes) {
    const range = { from: from * cols, to: to * cols, count: count * cols };
    copyTensor(device, k, layer.k, range);
    copyTensor(device, v, layer.v, range);
  }
  return layer;
}
