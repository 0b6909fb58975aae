/**
 * What attention over a cache needs of a layer's projections, in one launch: queries turned to
 * their positions, and new keys, turned, and new values, both written to their rows of the cache.
 * Not differentiable. Source: https://arxiv.org/abs/2104.09864, Eq. 34.
 */
import cpuText from "./cache_rows_cpu.wgsl" with { type: "text" };
import text from "./cache_rows_gpu.wgsl" with { type: "text" };
import type { Device } from "../device/device.ts";
import { foldedGrid } from "../device/grid.ts";
import { singleKernel } from "../device/shader.ts";
import { attentionFile } from "./pieces/attention_pieces.ts";
import type { RowStore } from "./row_store.ts";
import { expectShape, type Tensor } from "../device/tensor.ts";

/** Writes a cache in tensors. */
export const cacheRowsGpuShader = singleKernel(
  attentionFile("cache_rows_gpu.wgsl", text),
);

/** Writes a cache in flat textures. */
export const cacheRowsCpuShader = singleKernel(
  attentionFile("cache_rows_cpu.wgsl", cpuText),
);

const WORKGROUP_SIZE = 64;

/** Turned keys, and values, of all tokens so far: `[rows, kvHeads * headDim]`. */
export interface CacheStores {
  readonly k: RowStore;
  readonly v: RowStore;
}

/** A layer's projections. */
export interface Projections {
  /** `[queries, heads * headDim]` */
  readonly q: Tensor;
  /** `[tokens, kvHeads * headDim]` */
  readonly k: Tensor;
  /** `[tokens, kvHeads * headDim]` */
  readonly v: Tensor;
}

/** How the heads of queries and keys turn. */
export interface CacheRowOptions {
  /** Dims of one head. */
  readonly headDim: number;
  /**
   * `[positions, rotaryDim]` f32, per position the cosines of the rotaryDim / 2 angles, then their
   * sines.
   */
  readonly cosSin: Tensor;
  /** Pairs are neighbours (2j, 2j + 1); default false: pairs are (j, j + rotaryDim / 2). */
  readonly interleaved?: boolean;
}

/**
 * Writes keys and values to the cache.
 *
 * @param places u32 `[queries + tokens, 2]`: position, and for tokens their row of the cache
 * @returns the turned queries, `[queries, heads * headDim]`
 * @throws {TypeError} if the shapes do not fit
 */
export function cacheRows(
  device: Device,
  { q, k, v }: Projections,
  places: Tensor,
  cache: CacheStores,
  { headDim, cosSin, interleaved = false }: CacheRowOptions,
): Tensor {
  const [queries = 0, qCols = 0] = q.shape;
  const [tokens = 0] = k.shape;
  const { cols: kvCols } = cache.k;
  expectShape("k", k, [tokens, kvCols]);
  expectShape("v", v, [tokens, kvCols]);
  expectShape("places", places, [queries + tokens, 2]);
  const turned = device.allocate(q.shape);
  const isTexture = cache.k.store instanceof GPUTexture;
  if (isTexture && headDim % 4 !== 0) {
    throw new TypeError(
      `Cannot write to a cache of textures: headDim ${headDim}, expected a multiple of 4`,
    );
  }
  const width = isTexture ? 4 : 1;
  const count = (queries * qCols + 2 * tokens * kvCols) / width;
  if (count === 0) return turned;
  const half = (cosSin.shape[1] ?? 0) / 2;
  const shader = isTexture ? cacheRowsCpuShader : cacheRowsGpuShader;
  const constants = isTexture
    ? { WORKGROUP_SIZE, IN_FOURS: Number(!interleaved && half % 4 === 0) }
    : { WORKGROUP_SIZE };
  device.launch(
    shader.kernel({}),
    {
      q,
      k,
      v,
      cos_sin: cosSin,
      places,
      turned,
      keys: cache.k.store,
      values: cache.v.store,
    },
    {
      queries,
      tokens,
      q_cols: qCols,
      kv_cols: kvCols,
      head_dim: headDim,
      half,
      interleaved: Number(interleaved),
    },
    foldedGrid(Math.ceil(count / WORKGROUP_SIZE)),
    { constants },
  );
  return turned;
}
