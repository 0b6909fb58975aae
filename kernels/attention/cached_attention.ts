/**
 * Attention of new tokens over a cache of keys and values: as `attention()`, without its backward and without a copy
 * of the cache. A few queries, as of answers that grow, have a kernel of their own on CPU adapters.
 */
import { attention } from "./attention.ts";
import { attentionPanel } from "./attention_panel.ts";
import { panelTiles } from "./attention_panel_text.ts";
import { type AttentionShape, blockGrid } from "./attention_shape.ts";
import type { CacheStores } from "./cache_rows.ts";
import { cachedAttentionPanel, cachedSplit } from "./cached_attention_panel.ts";
import type { Device } from "../device/device.ts";
import { allocateWithFlat, flatTexture } from "../launch/flat_texture.ts";
import { lanesOf } from "../device/lanes.ts";
import { expectShape, type Tensor } from "../device/tensor.ts";

/** So few queries walk over keys of their own each; more of one sequence share a walk over the keys that any of them sees. */
const FEW_QUERIES = 4;

/** Which rows of the cache each query sees. */
export interface CacheRanges {
  /** u32 `[queries, 4]` */
  readonly ranges: Tensor;
  /** Whether each query is of another sequence: nothing is gained by a shared walk. */
  readonly apart: boolean;
}

/**
 * `o[i] = sum_j softmax_j(scale * q[i] . k[j]) v[j]`, where query i sees the rows in `[ranges[i, 0], ranges[i, 1])` and
 * `[ranges[i, 2], ranges[i, 3])` of the cache, which must not overlap.
 *
 * @param q `[queries, heads * headDim]`
 * @returns `[queries, heads * headDim]`
 * @throws {TypeError} if a shape does not fit
 */
export function cachedAttention(
  device: Device,
  q: Tensor,
  { k, v }: CacheStores,
  seen: CacheRanges,
  shape: AttentionShape,
): Tensor {
  if (k.store instanceof GPUTexture && v.store instanceof GPUTexture) {
    return onTextures(device, q, { k: k.store, v: v.store }, seen, shape);
  }
  const { o, lse } = attention(
    device,
    q,
    k.store as Tensor,
    v.store as Tensor,
    seen.ranges,
    shape,
  );
  device.release(lse);
  return o;
}

function onTextures(
  device: Device,
  q: Tensor,
  cache: { readonly k: GPUTexture; readonly v: GPUTexture },
  { ranges, apart }: CacheRanges,
  shape: AttentionShape,
): Tensor {
  const { heads, kvHeads, headDim, scale, softcap = 0 } = shape;
  const queries = q.shape[0] ?? 0;
  const group = heads / kvHeads;
  const rows = queries * group;
  expectShape("q", q, [queries, heads * headDim]);
  expectShape("ranges", ranges, [queries, 4]);
  if (queries === 0) return device.allocate(q.shape);
  const constants = { SOFTCAP: softcap };
  const lanes = lanesOf(device);
  if (apart || queries <= FEW_QUERIES) {
    const o = allocateWithFlat(device, q.shape);
    const { maxComputeWorkgroupStorageSize: room } = device.gpu.limits;
    const split = cachedSplit(headDim, group, { lanes, room });
    const { blocks } = split;
    device.launch(
      cachedAttentionPanel(headDim, split),
      { ...cache, q, ranges, o, flat_o: o.flat },
      { queries, blocks, group, heads, kv_heads: kvHeads, scale },
      blockGrid(queries * blocks, 1, kvHeads),
      { constants },
    );
    return o;
  }
  const [perLane, step] = panelTiles(headDim).forward;
  const o = device.allocate(q.shape);
  const lse = device.allocate([queries, heads]);
  const inputs = {
    q: flatTexture(device, q),
    ranges: flatTexture(device, ranges, "rgba32uint"),
  };
  device.launch(
    attentionPanel({ headDim, lanes, rows: perLane, keys: step }),
    { ...inputs, ...cache, o, lse },
    { rows, group, heads, kv_heads: kvHeads, scale },
    blockGrid(rows, lanes * perLane, kvHeads),
    { constants },
  );
  for (const input of [inputs.q, inputs.ranges, lse]) device.release(input);
  return o;
}
