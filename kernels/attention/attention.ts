/**
 * Attention over ranges of keys, with grouped query heads and a streaming softmax. Causality, packing, shared
 * prompts and sliding windows are all in the ranges: the kernels know nothing else.
 */
import { attentionPanel } from "./attention_panel.ts";
import { panelTiles } from "./attention_panel_text.ts";
import {
  type AttentionShape,
  attentionSizes,
  blockGrid,
  fitsPanel,
  NO_KEYS,
  tileOptions,
} from "./attention_shape.ts";
import source from "./attention.wgsl" with { type: "text" };
import type { Device } from "../device/device.ts";
import { flatTexture } from "../launch/flat_texture.ts";
import { defineKernel } from "../device/kernel.ts";
import { lanesOf } from "../device/lanes.ts";
import type { Tensor } from "../device/tensor.ts";

export { attentionBackward } from "./attention_backward.ts";
export type {
  AttentionForward,
  AttentionGradients,
} from "./attention_backward.ts";
export type { AttentionShape } from "./attention_shape.ts";

const tile = defineKernel("attention", source);

/** What attention returns. */
export interface AttentionOutput {
  /** `[queries, heads * headDim]`; zeros for a query without keys. */
  readonly o: Tensor;
  /** Log of the sum of `exp(score)`, in nats, `[queries, heads]`; -1e30 for a query without keys. */
  readonly lse: Tensor;
}

/**
 * `o[i] = sum_j softmax_j(scale * q[i] . k[j]) v[j]`, where query i sees the keys in `[ranges[i, 0], ranges[i, 1])`
 * and `[ranges[i, 2], ranges[i, 3])`, which must not overlap.
 *
 * `k` and `v` may have more rows than are seen; those between rows that are seen must be finite. Pass
 * `rowsView(k, 0, used)` of a large cache: CPU adapters copy what they are given.
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
  const panel = fitsPanel(device, shape.headDim, 4, [q, k, v]);
  const launch = panel ? launchPanel : launchTile;
  launch(
    device,
    { q, k, v, ranges, o, lse },
    shape,
    sizes.queries * sizes.group,
  );
  return { o, lse };
}

type Tensors = AttentionOutput & Record<"q" | "k" | "v" | "ranges", Tensor>;

function launchTile(
  device: Device,
  tensors: Tensors,
  shape: AttentionShape,
  rows: number,
): void {
  device.launch(
    tile,
    { ...tensors },
    paramsOf(shape, rows),
    blockGrid(rows, 32, shape.kvHeads),
    tileOptions(shape),
  );
}

function launchPanel(
  device: Device,
  { q, k, v, ranges, o, lse }: Tensors,
  shape: AttentionShape,
  rows: number,
): void {
  const { headDim, kvHeads, softcap = 0 } = shape;
  const lanes = lanesOf(device);
  const [most, step] = panelTiles(headDim).forward;
  const perLane = rows <= 16 ? 1 : most; // few rows must spread over the lanes
  const kernel = attentionPanel({ headDim, lanes, rows: perLane, keys: step });
  const inputs = {
    q: flatTexture(device, q),
    k: flatTexture(device, k),
    v: flatTexture(device, v),
    ranges: flatTexture(device, ranges, "rgba32uint"),
  };
  device.launch(
    kernel,
    { ...inputs, o, lse },
    paramsOf(shape, rows),
    blockGrid(rows, lanes * perLane, kvHeads),
    { constants: { SOFTCAP: softcap } },
  );
  for (const input of Object.values(inputs)) device.release(input);
}

function paramsOf(
  { heads, kvHeads, scale }: AttentionShape,
  rows: number,
): Record<string, number> {
  return { rows, group: heads / kvHeads, heads, kv_heads: kvHeads, scale };
}

function blank(
  device: Device,
  q: Tensor,
  { heads }: AttentionShape,
): AttentionOutput {
  const shape = [q.shape[0]!, heads];
  const none = new Float32Array(shape[0]! * heads).fill(NO_KEYS);
  return { o: device.zeros(q.shape), lse: device.upload(none, shape) };
}
