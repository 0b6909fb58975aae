/**
 * The heads of an attention layer, and the checks that forward and backward share. Knows no kernel.
 */
import type { Device } from "../device/device.ts";
import { FLAT_WIDTH } from "../launch/flat_texture.ts";
import { foldedGrid } from "../device/grid.ts";
import type { PipelineOptions } from "../device/pipelines.ts";
import type { Grid } from "../device/recorder.ts";
import { elements, expectShape, type Tensor } from "../device/tensor.ts";

/** Heads of one attention layer. */
export interface AttentionShape {
  /** Query heads, a multiple of `kvHeads`. */
  readonly heads: number;
  /** Key and value heads; query head h reads key head `floor(h / (heads / kvHeads))`. */
  readonly kvHeads: number;
  readonly headDim: number;
  /** Factor of `q . k`, usually `1 / sqrt(headDim)`. */
  readonly scale: number;
  /** Bound c of the scores, `c * tanh(score / c)`, as in Gemma 2; 0 or undefined: none. */
  readonly softcap?: number;
}

/** The log-sum-exp of a query that sees no key: finite, so that it makes no NaN. */
export const NO_KEYS = -1e30;

/** Numbers of rows on which attention's tensors must agree. */
export interface AttentionSizes {
  readonly queries: number;
  readonly keys: number;
  /** Query heads that share one key head. */
  readonly group: number;
}

/**
 * Checks q, k, v and ranges against the heads.
 *
 * @throws {TypeError} naming the tensor and both shapes
 * @throws {RangeError} if `heads` is not a multiple of `kvHeads`
 */
export function attentionSizes(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  ranges: Tensor,
  { heads, kvHeads, headDim }: AttentionShape,
): AttentionSizes {
  if (heads % kvHeads !== 0) {
    throw new RangeError(
      `Cannot run attention: ${heads} heads on ${kvHeads} key heads, expected a multiple`,
    );
  }
  const queries = q.shape[0] ?? 0;
  const keys = k.shape[0] ?? 0;
  expectShape("q", q, [queries, heads * headDim]);
  expectShape("k", k, [keys, kvHeads * headDim]);
  expectShape("v", v, [keys, kvHeads * headDim]);
  expectShape("ranges", ranges, [queries, 4]);
  return { queries, keys, group: heads / kvHeads };
}

/** Whether a device can bind so many textures, these tensors as flat ones among them. */
export function fitTextures(
  device: Device,
  textures: number,
  tensors: readonly Tensor[],
): boolean {
  const { maxStorageTexturesPerShaderStage, maxTextureDimension2D } =
    device.gpu.limits;
  // flat textures round their height up by at most an eighth
  const most = maxTextureDimension2D / 1.125 * FLAT_WIDTH * 4;
  return textures <= maxStorageTexturesPerShaderStage &&
    tensors.every(({ shape }) => elements(shape) <= most);
}

/** Blocks of `perBlock` rows folded over x and y, key heads on z. */
export function blockGrid(
  rows: number,
  perBlock: number,
  kvHeads: number,
): Grid {
  const [x, y = 1] = foldedGrid(Math.ceil(rows / perBlock));
  return [x, y, kvHeads];
}

/** What is put into the kernels for GPUs about a head. */
export function headOptions(
  { headDim, softcap = 0 }: AttentionShape,
): PipelineOptions {
  const chunks = Math.ceil(headDim / 32);
  const width = headDim % 4 === 0 ? 4 : 1;
  return {
    constants: { HEAD_DIM: headDim, SOFTCAP: softcap, WIDTH: width },
    aliases: {
      Chunks: `array<array<vec4f, ${chunks}>, 4>`,
      ...(width === 4 && { Item: "vec4f" }),
    },
  };
}
