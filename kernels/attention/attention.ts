/**
 * Attention over ranges of keys, with grouped query heads and a streaming softmax, and its
 * gradients. Causality, packing, shared prompts and sliding windows are all in the ranges: the
 * kernels know nothing else. No buffer has queries x keys elements, since the backward makes the
 * scores again from q, k and lse. There are no atomics: two runs give the same bits.
 */
import { elements, expectShape, type Tensor } from "../device/tensor.ts";
import type { Device } from "../device/device.ts";
import { foldedGrid } from "../device/grid.ts";
import { defineKernel } from "../device/kernel.ts";
import { lanesOf } from "../device/lanes.ts";
import { PATHS } from "../device/paths.ts";
import { singleKernel } from "../device/shader.ts";
import { columnSums } from "../launch/column_sums.ts";
import { flatTexture } from "../launch/flat_texture.ts";
import {
  dkvCpuShader,
  dkvSizes,
  dqCpuShader,
  dqSizes,
  forwardCpuShader,
  forwardSizes,
} from "./attention_cpu.ts";
import { attentionFile } from "./pieces/attention_pieces.ts";
import {
  type AttentionShape,
  type AttentionSizes,
  attentionSizes,
  blockGrid,
  fitTextures,
  headOptions,
  NO_KEYS,
} from "./attention_shape.ts";
import dkvText from "./attention_dkv_gpu.wgsl" with { type: "text" };
import dqText from "./attention_dq_gpu.wgsl" with { type: "text" };
import forwardText from "./attention_gpu.wgsl" with { type: "text" };
import statsCpuText from "./attention_stats_cpu.wgsl" with {
  type: "text",
};
import statsGpuText from "./attention_stats_gpu.wgsl" with { type: "text" };

export type { AttentionShape } from "./attention_shape.ts";

const statsGpu = defineKernel("attention_stats_gpu", statsGpuText);
const statsCpu = defineKernel("attention_stats_cpu", statsCpuText);

/** For GPUs; grid: blocks of 32 rows folded over x and y, key heads on z. */
export const forwardGpuShader = singleKernel(
  attentionFile("attention_gpu.wgsl", forwardText),
);

/** For GPUs; grid as of the forward kernel. */
export const dqGpuShader = singleKernel(
  attentionFile("attention_dq_gpu.wgsl", dqText),
);

/**
 * For GPUs; grid: blocks of 32 keys folded over x and y, key heads times parts of the walk on z.
 */
export const dkvGpuShader = singleKernel(
  attentionFile("attention_dkv_gpu.wgsl", dkvText),
);

/** What attention returns. */
export interface AttentionOutput {
  /** `[queries, heads * headDim]`; zeros for a query without keys. */
  readonly o: Tensor;
  /**
   * Log of the sum of `exp(score)`, in nats, `[queries, heads]`; -1e30 for a query without keys.
   */
  readonly lse: Tensor;
}

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
  /** u32 `[queries, 4]`: query i sees the keys of `[0], [1])` and `[2], [3])`. */
  readonly ranges: Tensor;
  /** u32 `[keys, 2]`: all queries that see key j lie in `[first, end)`. */
  readonly queryRanges: Tensor;
}

/** Gradients with the shapes of q, k and v. */
export interface AttentionGradients {
  readonly dq: Tensor;
  readonly dk: Tensor;
  readonly dv: Tensor;
}

/**
 * `o[i] = sum_j softmax_j(scale * q[i] . k[j]) v[j]`, where query i sees the keys in
 * `[ranges[i, 0], ranges[i, 1])` and `[ranges[i, 2], ranges[i, 3])`, which must not overlap.
 *
 * `k` and `v` may have rows that no query sees; such a row between seen ones must be finite. Of a
 * large cache pass only `rowsView(k, 0, used)`, since a CPU device copies each row it is given.
 *
 * @param q `[queries, heads * headDim]`
 * @param k `[keys, kvHeads * headDim]`
 * @param v `[keys, kvHeads * headDim]`
 * @param ranges u32 `[queries, 4]`
 * @throws {TypeError} if a shape does not fit
 * Source: https://arxiv.org/abs/2205.14135, Algorithm 1.
 */
export function attention(
  device: Device,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  ranges: Tensor,
  shape: AttentionShape,
): AttentionOutput {
  const sizes = attentionSizes(q, k, v, ranges, shape);
  if (sizes.queries === 0 || sizes.keys === 0) return blank(device, q, shape);
  const o = device.allocate(q.shape);
  const lse = device.allocate([sizes.queries, shape.heads]);
  const { headDim } = shape;
  const fits = fitTextures(device, 4, [q, k, v]);
  const path = PATHS.attention(device, { headDim, fits });
  const launch = path === "attention_cpu" ? forwardOnCpu : forwardOnGpu;
  launch(device, { q, k, v, ranges, o, lse }, shape, sizes);
  return { o, lse };
}

function blank(
  device: Device,
  q: Tensor,
  { heads }: AttentionShape,
): AttentionOutput {
  const shape = [q.shape[0]!, heads];
  const none = new Float32Array(elements(shape)).fill(NO_KEYS);
  return { o: device.zeros(q.shape), lse: device.upload(none, shape) };
}

type ForwardTensors =
  & AttentionOutput
  & Record<"q" | "k" | "v" | "ranges", Tensor>;

function forwardOnGpu(
  device: Device,
  tensors: ForwardTensors,
  shape: AttentionShape,
  sizes: AttentionSizes,
): void {
  const params = paramsOf(shape, sizes);
  device.launch(
    forwardGpuShader.kernel({}),
    { ...tensors },
    params,
    blockGrid(params.rows, 32, shape.kvHeads),
    headOptions(shape),
  );
}

function forwardOnCpu(
  device: Device,
  { q, k, v, ranges, o, lse }: ForwardTensors,
  shape: AttentionShape,
  sizes: AttentionSizes,
): void {
  const params = paramsOf(shape, sizes);
  const whole = forwardSizes(shape.headDim, lanesOf(device));
  // where there are few rows, one for each lane keeps more lanes busy
  const own = params.rows <= 16 ? { ...whole, ROWS: 1 } : whole;
  const inputs = {
    q: flatTexture(device, q),
    k: flatTexture(device, k),
    v: flatTexture(device, v),
    ranges: flatTexture(device, ranges, "rgba32uint"),
  };
  device.launch(
    forwardCpuShader.kernel(own),
    { ...inputs, o, lse },
    params,
    blockGrid(params.rows, own.LANES * own.ROWS, shape.kvHeads),
    { constants: { SOFTCAP: shape.softcap ?? 0 } },
  );
  for (const input of Object.values(inputs)) device.release(input);
}

/**
 * The parameters of the kernels of attention; a kernel takes those that it declares. A row is a
 * (query, head) pair, and a key head has `queries * group` of them.
 */
function paramsOf(
  { heads, kvHeads, scale }: AttentionShape,
  { queries, keys, group }: AttentionSizes,
) {
  const rows = queries * group;
  return { rows, keys, group, heads, kv_heads: kvHeads, scale };
}

type BackwardTensors = AttentionForward & {
  readonly dout: Tensor;
  /** lse and `o . dout`, `[queries, heads, 2]` */
  readonly stats: Tensor;
};

/**
 * Gradients of q, k and v from the gradient `dO` of attention's output,
 * `[queries, heads * headDim]`: one walk over keys for dq, one over queries for dk and dv.
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
    return {
      dq: device.zeros(q.shape),
      dk: device.zeros(k.shape),
      dv: device.zeros(v.shape),
    };
  }
  const stats = device.allocate([sizes.queries, shape.heads, 2]);
  const tensors = { ...forward, dout: dO, stats };
  const { headDim } = shape;
  const fits = fitTextures(device, 6, [q, k, v]);
  const path = PATHS.attention(device, { headDim, fits });
  const launch = path === "attention_cpu" ? backwardOnCpu : backwardOnGpu;
  const gradients = launch(device, tensors, shape, sizes);
  device.release(stats);
  return gradients;
}

function backwardOnGpu(
  device: Device,
  tensors: BackwardTensors,
  shape: AttentionShape,
  sizes: AttentionSizes,
): AttentionGradients {
  const { q, k, v } = tensors;
  statsOnGpu(device, tensors, shape);
  const params = paramsOf(shape, sizes);
  const options = headOptions(shape);
  const dq = device.allocate(q.shape);
  device.launch(
    dqGpuShader.kernel({}),
    { ...gradientInputs(tensors), dq },
    params,
    blockGrid(params.rows, 32, shape.kvHeads),
    options,
  );
  const parts = walkParts(device, params, elements(k.shape));
  const dk = device.allocate([parts, elements(k.shape)]);
  const dv = device.allocate([parts, elements(v.shape)]);
  device.launch(
    dkvGpuShader.kernel({}),
    {
      ...gradientInputs(tensors),
      query_ranges: tensors.queryRanges,
      dk,
      dv,
    },
    { ...params, parts },
    blockGrid(params.keys, 32, shape.kvHeads * parts),
    options,
  );
  return {
    dq,
    dk: sumOfParts(device, dk, k.shape),
    dv: sumOfParts(device, dv, v.shape),
  };
}

function gradientInputs(
  { q, k, v, dout, stats, ranges }: BackwardTensors,
): Record<string, Tensor> {
  return { q, k, v, dout, stats, ranges };
}

function statsOnGpu(
  device: Device,
  { o, dout, lse, stats: into }: BackwardTensors,
  { headDim }: AttentionShape,
): void {
  const count = elements(lse.shape);
  device.launch(
    statsGpu,
    { o, dout, lse, stats: into },
    { count },
    foldedGrid(Math.ceil(count / 64)),
    { constants: { HEAD_DIM: headDim } },
  );
}

function sumOfParts(
  device: Device,
  parts: Tensor,
  shape: readonly number[],
): Tensor {
  if (parts.shape[0] === 1) return { ...parts, shape };
  const sums = columnSums(device, parts);
  device.release(parts);
  return { ...sums, shape };
}

/**
 * How many workgroups keep a GPU busy: large ones have about 140 processors, and each works on
 * several workgroups. The sums of 512 workgroups take 16 MB at most, for heads of 128.
 */
const WANTED_GROUPS = 512;

/**
 * Into how many parts the walk over the rows is divided, so that short batches fill a GPU too. A
 * part has at least two tiles.
 *
 * @param size how many numbers dk has; each part has a dk of its own, and one binding has them all
 */
function walkParts(
  device: Device,
  { keys, rows, kv_heads }: ReturnType<typeof paramsOf>,
  size: number,
): number {
  const blocks = Math.ceil(keys / 32) * kv_heads;
  const room = device.windowBytes / (4 * size);
  const most = Math.min(WANTED_GROUPS / blocks, Math.ceil(rows / 64), room);
  return Math.max(1, Math.floor(most));
}

function backwardOnCpu(
  device: Device,
  tensors: BackwardTensors,
  shape: AttentionShape,
  sizes: AttentionSizes,
): AttentionGradients {
  const { headDim, kvHeads, softcap = 0 } = shape;
  const { q, k, v, queryRanges } = tensors;
  const dout = flatTexture(device, tensors.dout);
  statsOnCpu(device, tensors, dout, headDim);
  const textures = {
    q: flatTexture(device, q),
    k: flatTexture(device, k),
    v: flatTexture(device, v),
    dout,
    stats: flatTexture(device, tensors.stats),
    ranges: flatTexture(device, tensors.ranges, "rgba32uint"),
  };
  const dq = device.allocate(q.shape);
  const dk = device.allocate(k.shape);
  const dv = device.allocate(v.shape);
  const params = paramsOf(shape, sizes);
  const options = { constants: { SOFTCAP: softcap } };
  const rowSizes = dqSizes(headDim, lanesOf(device));
  device.launch(
    dqCpuShader.kernel(rowSizes),
    { ...textures, dq },
    params,
    blockGrid(params.rows, rowSizes.LANES * rowSizes.ROWS, kvHeads),
    options,
  );
  const keySizes = dkvSizes(headDim, lanesOf(device));
  device.launch(
    dkvCpuShader.kernel(keySizes),
    { ...textures, query_ranges: queryRanges, dk, dv },
    params,
    blockGrid(params.keys, keySizes.LANES * keySizes.KEYS, kvHeads),
    options,
  );
  for (const texture of Object.values(textures)) device.release(texture);
  return { dq, dk, dv };
}

function statsOnCpu(
  device: Device,
  { o, lse, stats: into }: BackwardTensors,
  dout: GPUTexture,
  headDim: number,
): void {
  const count = elements(lse.shape);
  const texture = flatTexture(device, o);
  device.launch(
    statsCpu,
    { o: texture, dout, lse, stats: into },
    { count },
    foldedGrid(Math.ceil(count / 64)),
    { constants: { QUADS: headDim / 4 } },
  );
  device.release(texture);
}
