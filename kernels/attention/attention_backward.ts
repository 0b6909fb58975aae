/**
 * Gradients of attention: one walk over keys for dq, one over queries for dk and dv. Scores are computed
 * again from q, k and lse; no buffer has queries x keys elements, and no atomics: two runs give the same bits.
 * On GPUs the walk over queries is divided where few keys would leave a card idle.
 */
import { attentionDkvPanel } from "./attention_dkv_panel.ts";
import dkvSource from "./attention_dkv.wgsl" with { type: "text" };
import { attentionDqPanel } from "./attention_dq_panel.ts";
import dqSource from "./attention_dq.wgsl" with { type: "text" };
import { panelTiles } from "./attention_panel_text.ts";
import {
  type AttentionShape,
  type AttentionSizes,
  attentionSizes,
  blockGrid,
  fitsPanel,
  tileOptions,
} from "./attention_shape.ts";
import statsPanelSource from "./attention_stats_panel.wgsl" with {
  type: "text",
};
import statsSource from "./attention_stats.wgsl" with { type: "text" };
import { columnSums } from "../launch/column_sums.ts";
import type { Device } from "../device/device.ts";
import { flatTexture } from "../launch/flat_texture.ts";
import { foldedGrid } from "../device/grid.ts";
import { defineKernel } from "../device/kernel.ts";
import { lanesOf } from "../device/lanes.ts";
import { elements, expectShape, type Tensor } from "../device/tensor.ts";

/** What `attention()` took and returned, and which queries see each key. */
export interface AttentionForward {
  /** `[queries, heads * headDim]` */
  readonly q: Tensor;
  /** `[keys, kvHeads * headDim]` */
  readonly k: Tensor;
  /** `[keys, kvHeads * headDim]` */
  readonly v: Tensor;
  /** `[queries, heads * headDim]` */
  readonly o: Tensor;
  /** `[queries, heads]` */
  readonly lse: Tensor;
  /** u32 `[queries, 4]`: query i sees keys `[0], [1])` and `[2], [3])` */
  readonly ranges: Tensor;
  /** u32 `[keys, 2]`: all queries that see key j lie in `[first, end)` */
  readonly queryRanges: Tensor;
}

/** Gradients with the shapes of q, k and v. */
export interface AttentionGradients {
  readonly dq: Tensor;
  readonly dk: Tensor;
  readonly dv: Tensor;
}

type Tensors = AttentionForward & {
  readonly dout: Tensor;
  /** lse and `o . dO`, `[queries, heads, 2]` */
  readonly stats: Tensor;
};

const stats = defineKernel("attention_stats", statsSource);
const statsPanel = defineKernel("attention_stats_panel", statsPanelSource);
const dqTile = defineKernel("attention_dq", dqSource);
const dkvTile = defineKernel("attention_dkv", dkvSource);

/**
 * Gradients of q, k and v from the gradient `dO` of attention's output, `[queries, heads * headDim]`.
 *
 * @throws {TypeError} if a shape does not fit
 * Source: https://arxiv.org/abs/2205.14135, Algorithm 4.
 */
export function attentionBackward(
  device: Device,
  forward: AttentionForward,
  dO: Tensor,
  shape: AttentionShape,
): AttentionGradients {
  const { q, k, v, o, lse, ranges, queryRanges } = forward;
  const sizes = attentionSizes(q, k, v, ranges, shape);
  expectShape("o", o, q.shape);
  expectShape("dO", dO, q.shape);
  expectShape("lse", lse, [sizes.queries, shape.heads]);
  expectShape("queryRanges", queryRanges, [sizes.keys, 2]);
  if (sizes.queries === 0 || sizes.keys === 0) {
    const [dq, dk, dv] = [q, k, v].map(({ shape }) => device.zeros(shape));
    return { dq: dq!, dk: dk!, dv: dv! };
  }
  const stats = device.allocate([sizes.queries, shape.heads, 2]);
  const all = { ...forward, dout: dO, stats };
  const panel = fitsPanel(device, shape.headDim, 6, [q, k, v]);
  const launch = panel ? launchPanels : launchTiles;
  const gradients = launch(device, all, shape, sizes);
  device.release(stats);
  return gradients;
}

function launchTiles(
  device: Device,
  tensors: Tensors,
  shape: AttentionShape,
  { queries, keys, group }: AttentionSizes,
): AttentionGradients {
  const { heads, kvHeads: kv_heads, headDim, scale } = shape;
  const options = tileOptions(shape);
  const count = elements(tensors.lse.shape);
  const { queryRanges: query_ranges, q, k, v, ...rest } = tensors;
  device.launch(stats, rest, { count }, foldedGrid(Math.ceil(count / 64)), {
    constants: { HEAD_DIM: headDim },
  });
  const rows = queries * group;
  const dq = device.allocate(q.shape);
  const inputs = { ...rest, q, k, v };
  const params = { rows, keys, group, heads, kv_heads, scale };
  device.launch(
    dqTile,
    { ...inputs, dq },
    params,
    blockGrid(rows, 32, kv_heads),
    options,
  );
  const room = device.windowBytes / (4 * elements(k.shape));
  const parts = walkParts({ keys, rows, kvHeads: kv_heads, room });
  const dk = device.allocate([parts, elements(k.shape)]);
  const dv = device.allocate([parts, elements(v.shape)]);
  device.launch(
    dkvTile,
    { ...inputs, query_ranges, dk, dv },
    { ...params, parts },
    blockGrid(keys, 32, kv_heads * parts),
    options,
  );
  const sum = (parts: Tensor) => ({
    ...sumParts(device, parts),
    shape: k.shape,
  });
  return { dq, dk: sum(dk), dv: sum(dv) };
}

function sumParts(device: Device, parts: Tensor): Tensor {
  if (parts.shape[0] === 1) return parts;
  const sums = columnSums(device, parts);
  device.release(parts);
  return sums;
}

/** A card has up to 140 processors, each of which wants some workgroups: 512 are 16 MB of sums at most for heads of 128. */
const WANTED_GROUPS = 512;

/**
 * How often the walk over the rows is divided, of at least two tiles each, so that short batches too fill a card.
 *
 * @param sizes.room parts that one binding has room for
 */
function walkParts(
  { keys, rows, kvHeads, room }: Record<
    "keys" | "rows" | "kvHeads" | "room",
    number
  >,
): number {
  const blocks = Math.ceil(keys / 32) * kvHeads;
  const most = Math.min(WANTED_GROUPS / blocks, Math.ceil(rows / 64), room);
  return Math.max(1, Math.floor(most));
}

function launchPanels(
  device: Device,
  tensors: Tensors,
  shape: AttentionShape,
  { queries, keys, group }: AttentionSizes,
): AttentionGradients {
  const { heads, kvHeads: kv_heads, headDim, scale, softcap = 0 } = shape;
  const constants = { SOFTCAP: softcap };
  const dout = flatTexture(device, tensors.dout);
  launchStats(device, tensors, dout, headDim);
  const textures = {
    q: flatTexture(device, tensors.q),
    k: flatTexture(device, tensors.k),
    v: flatTexture(device, tensors.v),
    dout,
    stats: flatTexture(device, tensors.stats),
    ranges: flatTexture(device, tensors.ranges, "rgba32uint"),
  };
  const { q, k, v, queryRanges: query_ranges } = tensors;
  const dq = device.allocate(q.shape);
  const dk = device.allocate(k.shape);
  const dv = device.allocate(v.shape);
  const rows = queries * group;
  const params = { rows, keys, group, heads, kv_heads, scale };
  const tiles = panelTiles(headDim);
  const lanes = lanesOf(device);
  device.launch(
    attentionDqPanel({ headDim, lanes, rows: tiles.dq[0], keys: tiles.dq[1] }),
    { ...textures, dq },
    params,
    blockGrid(rows, lanes * tiles.dq[0], kv_heads),
    { constants },
  );
  device.launch(
    attentionDkvPanel({
      ...{ headDim, lanes },
      ...{ keys: tiles.dkv[0], queries: tiles.dkv[1] },
    }),
    { ...textures, query_ranges, dk, dv },
    params,
    blockGrid(keys, lanes * tiles.dkv[0], kv_heads),
    { constants },
  );
  for (const texture of Object.values(textures)) device.release(texture);
  return { dq, dk, dv };
}

function launchStats(
  device: Device,
  { o, lse, stats }: Tensors,
  dout: GPUTexture,
  headDim: number,
): void {
  const count = elements(lse.shape);
  const texture = flatTexture(device, o);
  device.launch(
    statsPanel,
    { o: texture, dout, lse, stats },
    { count },
    foldedGrid(Math.ceil(count / 64)),
    { constants: { QUADS: headDim / 4 } },
  );
  device.release(texture);
}
