/**
 * The attention of a block: projections, norms of heads, rotation, attention over the tokens of the
 * pass or over a KV cache, output projection. Knows no MLP and no residual stream.
 */
import type { AttentionShape } from "../../../kernels/attention/attention_shape.ts";
import {
  cacheRows,
  type Projections,
} from "../../../kernels/attention/cache_rows.ts";
import { cachedAttention } from "../../../kernels/attention/cached_attention.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import * as ops from "../../autograd/ops.ts";
import type { ModelConfig } from "../config/config.ts";
import {
  applyLinear,
  type Block,
  norm,
  queryRows,
  servedLayer,
} from "./block.ts";
import type { RopePositions } from "./decoder_pass.ts";

/**
 * Attention with its output projection: `[tokens, hidden_size]` to `[queries, hidden_size]`.
 *
 * @param into `[queries, hidden_size]` that the result is added to and that is returned
 */
export function runAttention(block: Block, x: Tensor, into?: Tensor): Tensor {
  const projected = project(block, x);
  const attended = block.pass.options.cache
    ? attendCache(block, projected)
    : attendTokens(block, projected);
  return applyLinear(block, attended, block.layer.self_attn.o_proj, { into });
}

/** Queries `[queries, ...]`, keys and values `[tokens, ...]`, before norms and rotation. */
function project(block: Block, x: Tensor): Projections {
  const { device, pass: { adapters }, queries } = block;
  const { q_proj, k_proj, v_proj, qkv_proj } = block.layer.self_attn;
  if (qkv_proj) {
    return splitFused(block, applyLinear(block, x, qkv_proj, { adapters }));
  }
  const shared = block.sharesLaunches && !queries.rows && ops.linearsTogether(
    device,
    x,
    [q_proj!, k_proj!, v_proj!].map((layer) => servedLayer(layer, adapters)),
  );
  if (shared) return { q: shared[0]!, k: shared[1]!, v: shared[2]! };
  return {
    q: applyLinear(block, queryRows(block, x), q_proj!),
    k: applyLinear(block, x, k_proj!, { adapters }),
    v: applyLinear(block, x, v_proj!, { adapters }),
  };
}

/** Queries, keys and values of a projection that makes all three with one matrix. */
function splitFused(block: Block, fused: Tensor): Projections {
  const { device, config } = block;
  const queries = config.num_attention_heads * config.head_dim;
  const keys = config.num_key_value_heads * config.head_dim;
  const groups = config.family.fusedQkv === "by_key_head"
    ? config.num_key_value_heads
    : 1;
  const part = (first: number, count: number) =>
    ops.columns(device, fused, [first / groups, count / groups], groups);
  return {
    q: queryRows(block, part(0, queries)),
    k: part(queries, keys),
    v: part(queries + keys, keys),
  };
}

/** The norms of queries and keys, in families that have them. */
function headNorms(block: Block, { q, k, v }: Projections): Projections {
  const { q_norm, k_norm } = block.layer.self_attn;
  return { q: norm(block, q, q_norm), k: norm(block, k, k_norm), v };
}

/** Rotates queries and keys by their positions, in layers that have a rotary embedding. */
function rotate(
  { device, config, index, pass }: Block,
  { q, k, v }: Projections,
  positions: RopePositions,
): Projections {
  const kind = config.layerRopes[index];
  if (!kind) return { q, k, v };
  const { rotaryDim, interleaved } = config.ropes[kind];
  const rotated = (x: Tensor, at: Tensor, heads: number) =>
    ops.rope(device, x, pass.model.cosSin[kind], at, {
      heads,
      headDim: config.head_dim,
      rotaryDim,
      interleaved,
    });
  return {
    q: rotated(q, positions.queries, config.num_attention_heads),
    k: rotated(k, positions.tokens, config.num_key_value_heads),
    v,
  };
}

/** Attention among the tokens of the pass. */
function attendTokens(block: Block, projected: Projections): Tensor {
  const { device, config, pass, queries } = block;
  const at = { queries: queries.positions, tokens: pass.positions };
  const { q, k, v } = config.family.normsAfterRope
    ? headNorms(block, rotate(block, projected, at))
    : rotate(block, headNorms(block, projected), at);
  return ops.attention(
    device,
    [grown(block, q), k, v],
    queries.ranges,
    attentionShape(config),
  );
}

/** Attention over the cache, to which the tokens of the pass are added first. */
function attendCache(block: Block, projected: Projections): Tensor {
  const { device, config, index, pass, queries } = block;
  const shape = attentionShape(config);
  const cache = pass.options.cache!.kv.layers[index]!;
  const { normsAfterRope, interleavedRope: interleaved } = config.family;
  // the launch that fills the cache rotates too, unless norms follow the rotation
  const ready = normsAfterRope
    ? headNorms(block, rotate(block, projected, queries.ropePositions!))
    : headNorms(block, projected);
  const kind = normsAfterRope ? "none" : config.layerRopes[index] ?? "none";
  const q = cacheRows(device, ready, queries.positions, cache, {
    headDim: shape.headDim,
    cosSin: pass.model.cosSin[kind],
    interleaved,
  });
  return cachedAttention(
    device,
    grown(block, q),
    cache,
    queries.ranges,
    shape,
  );
}

/** The queries times the factors of their positions, in families whose queries grow. */
function grown({ device, queries: { growth } }: Block, q: Tensor): Tensor {
  return growth ? ops.scaleRows(device, q, growth) : q;
}

function attentionShape(config: ModelConfig): AttentionShape {
  const { head_dim: headDim } = config;
  return {
    heads: config.num_attention_heads,
    kvHeads: config.num_key_value_heads,
    headDim,
    scale: config.scales.attention ?? 1 / Math.sqrt(headDim),
    softcap: config.attn_logit_softcapping ?? 0,
  };
}
