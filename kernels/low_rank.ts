/**
 * The lower half of an adapter with its factor, `h = factor * A x`. For a few tokens on a CPU adapter, as while an
 * answer grows, one launch without a copy of x; else a product, and a scaling where tokens have factors of their own.
 */
import type { Device } from "./device.ts";
import { allocateWithFlat } from "./flat_texture.ts";
import { defineKernel } from "./kernel.ts";
import { lanesOf } from "./lanes.ts";
import { linear } from "./linear.ts";
import source from "./low_rank_panel.wgsl" with { type: "text" };
import type { Matrix } from "./matrix.ts";
import { scaleRows } from "./scale_rows.ts";
import { expectShape, matrixShape, type Tensor } from "./tensor.ts";

const panelKernel = defineKernel("low_rank_panel", source);

/** More tokens are faster by a product. */
const FEW_TOKENS = 4;

/**
 * `h[t] = factor[t] * A x[t]`, `[tokens, r]` from x `[tokens, in]`.
 *
 * @param a `[r, in]`
 * @param factor one for all tokens, or one each, `[tokens]`
 * @throws {TypeError} if the shapes do not fit
 */
export function lowRank(
  device: Device,
  x: Tensor,
  a: Matrix,
  factor: number | Tensor,
): Tensor {
  const [tokens] = matrixShape(x);
  const isOne = typeof factor === "number";
  const store = a.windows[0]?.store;
  const fits = device.variant === "panel" && tokens > 0 &&
    tokens <= FEW_TOKENS && a.dtype === "f32" && a.cols % 4 === 0 &&
    a.rows % 4 === 0 && a.windows.length === 1;
  if (fits && store instanceof GPUTexture) {
    expectShape("x", x, [tokens, a.cols]);
    if (!isOne) expectShape("factors", factor, [tokens]);
    const h = allocateWithFlat(device, [tokens, a.rows]);
    const { flat: flat_h } = h;
    device.launch(
      panelKernel,
      { x, a: store, factors: isOne ? x : factor, h, flat_h },
      {
        ...{ words: a.cols / 4, rank: a.rows, pitch: a.pitch },
        scale: isOne ? factor : 1,
      },
      [Math.ceil(a.rows / 8), tokens],
      { constants: { LANES: lanesOf(device), HAS_FACTORS: Number(!isOne) } },
    );
    return h;
  }
  if (isOne) return linear(device, x, a, { factor });
  const low = linear(device, x, a);
  const h = scaleRows(device, low, factor);
  device.release(low);
  return h;
}
