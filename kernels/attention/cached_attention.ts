/**
 * Attention of new tokens over a cache of keys and values: as `attention()`, without a backward and
 * without a copy of the cache. A few queries, such as those of answers that grow, have a kernel of
 * their own on CPUs.
 */
import { expectShape, type Tensor } from "../device/tensor.ts";
import type { Device } from "../device/device.ts";
import { type Lanes, lanesOf } from "../device/lanes.ts";
import { PATHS } from "../device/paths.ts";
import { createShader } from "../device/shader.ts";
import { allocateWithFlat, flatTexture } from "../launch/flat_texture.ts";
import { attention } from "./attention.ts";
import {
  forwardCpuShader,
  forwardSizes,
  type HeadTexels,
  headTexels,
  LISTED_HEADS,
} from "./attention_cpu.ts";
import { attentionFile } from "./pieces/attention_pieces.ts";
import { type AttentionShape, blockGrid } from "./attention_shape.ts";
import type { CacheStores } from "./cache_rows.ts";
import cachedText from "./cached_attention_cpu.wgsl" with { type: "text" };

/** Keys per lane and step of the walk. */
const KEYS = 4;

/** Which rows of the cache each query sees. */
export interface CacheRanges {
  /** u32 `[queries, 4]` */
  readonly ranges: Tensor;
  /** Whether each query is of another sequence: a shared walk over keys would gain nothing. */
  readonly separate: boolean;
}

/**
 * `o[i] = sum_j softmax_j(scale * q[i] . k[j]) v[j]`, where query i sees the rows of the cache in
 * `[ranges[i, 0], ranges[i, 1])` and `[ranges[i, 2], ranges[i, 3])`, which must not overlap.
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

interface CacheTextures {
  readonly k: GPUTexture;
  readonly v: GPUTexture;
}

function onTextures(
  device: Device,
  q: Tensor,
  cache: CacheTextures,
  { ranges, separate }: CacheRanges,
  shape: AttentionShape,
): Tensor {
  const [queries = 0] = q.shape;
  expectShape("q", q, [queries, shape.heads * shape.headDim]);
  expectShape("ranges", ranges, [queries, 4]);
  if (queries === 0) return device.allocate(q.shape);
  const path = PATHS.cachedAttention(device, { queries, separate });
  return path === "cached_attention_cpu"
    ? oneByOne(device, q, cache, ranges, shape)
    : together(device, q, cache, ranges, shape);
}

/** Each query walks over its own keys. */
function oneByOne(
  device: Device,
  q: Tensor,
  cache: CacheTextures,
  ranges: Tensor,
  { heads, kvHeads, headDim, scale, softcap = 0 }: AttentionShape,
): Tensor {
  const [queries = 0] = q.shape;
  const group = heads / kvHeads;
  const o = allocateWithFlat(device, q.shape);
  const { maxComputeWorkgroupStorageSize: room } = device.gpu.limits;
  const split = cachedSplit(headDim, group, { lanes: lanesOf(device), room });
  const { blocks } = split;
  device.launch(
    cachedCpuShader.kernel(cachedSizes(headDim, split)),
    { ...cache, q, ranges, o, flat_o: o.flat },
    { queries, blocks, group, heads, kv_heads: kvHeads, scale },
    blockGrid(queries * blocks, 1, kvHeads),
    { constants: { SOFTCAP: softcap } },
  );
  return o;
}

/** Queries share a walk over the keys that any of them sees. */
function together(
  device: Device,
  q: Tensor,
  cache: CacheTextures,
  ranges: Tensor,
  { heads, kvHeads, headDim, scale, softcap = 0 }: AttentionShape,
): Tensor {
  const [queries = 0] = q.shape;
  const group = heads / kvHeads;
  const rows = queries * group;
  const sizes = forwardSizes(headDim, lanesOf(device));
  const o = device.allocate(q.shape);
  const lse = device.allocate([queries, heads]);
  const inputs = {
    q: flatTexture(device, q),
    ranges: flatTexture(device, ranges, "rgba32uint"),
  };
  device.launch(
    forwardCpuShader.kernel(sizes),
    { ...inputs, ...cache, o, lse },
    { rows, group, heads, kv_heads: kvHeads, scale },
    blockGrid(rows, sizes.LANES * sizes.ROWS, kvHeads),
    { constants: { SOFTCAP: softcap } },
  );
  for (const input of [inputs.q, inputs.ranges, lse]) device.release(input);
  return o;
}

/** How the lanes of a workgroup share heads and keys: there are head lanes times key lanes. */
export interface CachedSplit {
  /** Heads of a lane: they share its loads. */
  readonly heads: number;
  readonly headLanes: number;
  readonly keyLanes: number;
  /** Workgroups for the heads of one query that share a key head. */
  readonly blocks: number;
}

/**
 * The split of a head size: as few lanes for heads as they need, all others for keys.
 *
 * @param group heads that share a key head
 * @param room bytes of a workgroup's memory, in which its lanes put their sums together: heads of
 * many dims leave lanes without work
 */
export function cachedSplit(
  headDim: number,
  group: number,
  { lanes, room }: { readonly lanes: Lanes; readonly room: number },
): CachedSplit {
  // two heads of more dims would make a text that drivers take long to compile
  const heads = group > 1 && headDim <= 128 ? 2 : 1;
  let used: number = lanes;
  while (used > 1 && used * heads * (4 * headDim + 8) > room) used /= 2;
  const wanted = 2 ** Math.ceil(Math.log2(Math.ceil(group / heads)));
  const headLanes = Math.min(used, wanted);
  const blocks = Math.ceil(group / (heads * headLanes));
  return { heads, headLanes, keyLanes: used / headLanes, blocks };
}

/** Sizes in the text of the kernel for a few queries. */
interface CachedSizes extends HeadTexels {
  readonly HEADS: number;
  readonly HEAD_LANES: number;
  readonly KEY_LANES: number;
  readonly KEYS: number;
}

function cachedSizes(
  headDim: number,
  { heads, headLanes, keyLanes }: CachedSplit,
): CachedSizes {
  return {
    ...headTexels(headDim),
    HEADS: heads,
    HEAD_LANES: headLanes,
    KEY_LANES: keyLanes,
    KEYS,
  };
}

/** Grid: queries times blocks folded over x and y, key heads on z. */
export const cachedCpuShader = createShader<CachedSizes>(
  attentionFile("cached_attention_cpu.wgsl", cachedText),
  {
    nameOf: ({ QUADS, HEADS, HEAD_LANES, KEY_LANES }) =>
      `cached_attention_cpu_${4 * QUADS}_${HEADS}x${HEAD_LANES}x${KEY_LANES}`,
    *used() {
      for (const [headDim, lanes] of LISTED_HEADS) {
        for (const group of [1, 2, 4, 8, 16]) {
          const split = cachedSplit(headDim, group, { lanes, room: 32_768 });
          yield cachedSizes(headDim, split);
        }
      }
    },
  },
);
