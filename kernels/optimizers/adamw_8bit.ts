/**
 * One step of AdamW with moments of 8 bits on one tensor, in place: block-wise dynamic
 * quantisation, as in bitsandbytes. The step itself is that of `adamw()`; the moments are rounded
 * after it.
 * Source: https://arxiv.org/abs/2110.02861, section 2.
 */
import type { Device } from "../device/device.ts";
import { foldedGrid } from "../device/grid.ts";
import { singleKernel } from "../device/shader.ts";
import { elements, expectShape, type Tensor } from "../device/tensor.ts";
import { elementWindows, windowView } from "../launch/launch_windows.ts";
import { ADAMW_PIECES, adamwParams, type AdamwStep } from "./adamw.ts";
import text from "./adamw_8bit.wgsl" with { type: "text" };
import type { Trained } from "./update_launch.ts";

/** The step. */
export const adamw8bitShader = singleKernel({
  name: "adamw_8bit.wgsl",
  text,
  pieces: ADAMW_PIECES,
});

/** Numbers that share a scale. */
const BLOCK = 256;

/**
 * A trained tensor with its gradient, f32 and of one shape, and its moments; all zeros before the
 * first step.
 */
export interface Adamw8bitTensors extends Trained {
  /** Codes of the gradient's running mean, u32, `[ceil(weights / 4)]`. */
  readonly state1: Tensor;
  /** The largest number of each block, f32, `[ceil(weights / 256)]`. */
  readonly absmax1: Tensor;
  /** Codes of the running mean of the gradient's square. */
  readonly state2: Tensor;
  readonly absmax2: Tensor;
}

/** Shapes of the codes and of the scales of so many numbers. */
export function blockShapes(
  count: number,
): { readonly codes: readonly [number]; readonly absmax: readonly [number] } {
  return {
    codes: [Math.ceil(count / 4)],
    absmax: [Math.ceil(count / BLOCK)],
  };
}

/**
 * Updates `weight` and the moments in place.
 *
 * @throws {TypeError} if a shape does not fit
 * @throws {RangeError} if `step` is below 1
 */
export function adamw8bit(
  device: Device,
  tensors: Adamw8bitTensors,
  options: AdamwStep,
): void {
  const { weight, gradient, state1, absmax1, state2, absmax2 } = tensors;
  const { clip } = options;
  const params = adamwParams(options);
  const all = elements(weight.shape);
  const shapes = blockShapes(all);
  expectShape("gradient", gradient, weight.shape);
  for (const [name, state] of Object.entries({ state1, state2 })) {
    expectShape(name, state, shapes.codes);
  }
  for (const [name, state] of Object.entries({ absmax1, absmax2 })) {
    expectShape(name, state, shapes.absmax);
  }
  expectShape("clip", clip, [2]);
  // a window's first scale must lie where a binding may begin
  for (const { first, count } of elementWindows(device, all, 64 * BLOCK)) {
    const view = (tensor: Tensor, of: number) =>
      windowView(tensor, { first: first / of, count: Math.ceil(count / of) });
    const bindings = {
      weight: view(weight, 1),
      gradient: view(gradient, 1),
      state1: view(state1, 4),
      absmax1: view(absmax1, BLOCK),
      state2: view(state2, 4),
      absmax2: view(absmax2, BLOCK),
      clip,
    };
    const grid = foldedGrid(Math.ceil(count / BLOCK));
    const kernel = adamw8bitShader.kernel({});
    device.launch(kernel, bindings, { ...params, count }, grid);
  }
}
