/**
 * The norm of all gradients and the factor that keeps it below a bound, on the device: the update
 * reads the factor from there, so that nothing waits for it. A gradient that is not finite makes
 * the update change nothing.
 */
import type { Device } from "../device/device.ts";
import { LANE_PIECES } from "../launch/lane_pieces.ts";
import text from "./gradient_clip.wgsl" with { type: "text" };
import { singleKernel } from "../device/shader.ts";
import { sumOfSquares } from "./sum_of_squares.ts";
import { expectShape, type Tensor } from "../device/tensor.ts";

/** The total and the factor. */
export const gradientClipShader = singleKernel({
  name: "gradient_clip.wgsl",
  text,
  pieces: LANE_PIECES,
});

/**
 * Writes the sum of squares of all gradients and the factor `min(1, most / (norm + 1e-6))` to
 * `clip`; the factor is -1 where the sum is not finite.
 *
 * @param gradients f32, of any shapes
 * @param most the largest norm that is left as it is; 0 is no bound
 * @param clip `[2]`
 */
export function gradientClip(
  device: Device,
  gradients: readonly Tensor[],
  most: number,
  clip: Tensor,
): void {
  expectShape("clip", clip, [2]);
  using _scope = device.scope();
  const partials = sumOfSquares(device, gradients);
  const count = partials.shape[0]!;
  device.launch(gradientClipShader.kernel({}), { partials, clip }, {
    count,
    most,
  }, [1]);
}

/**
 * The norm that `gradientClip()` found, from what was read of its `clip`; NaN or infinite as the
 * gradients are.
 */
export function clippedNorm(clip: ArrayLike<number>): number {
  return Math.sqrt(clip[0]!);
}
