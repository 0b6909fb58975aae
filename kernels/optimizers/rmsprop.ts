/**
 * One step of RMSprop on one tensor, in place, with or without momentum, not centred, as in
 * PyTorch.
 */
import type { Device } from "../device/device.ts";
import type { Tensor } from "../device/tensor.ts";
import text from "./rmsprop.wgsl" with { type: "text" };
import {
  launchMomentumUpdate,
  momentumShader,
  type Trained,
  type UpdateStep,
} from "./update_launch.ts";

/** The step, with and without momentum. */
export const rmspropShader = momentumShader("rmsprop", text);

/** A trained tensor with its gradient, running square and velocity: f32, of one shape. */
export interface RmspropTensors extends Trained {
  /** Running mean of the gradient's square; zeros before the first step. */
  readonly v: Tensor;
  /**
   * Running sum of the scaled gradients, zeros before the first step; needed with momentum only.
   */
  readonly velocity?: Tensor;
}

/** Numbers of one RMSprop step. */
export interface RmspropStep extends UpdateStep {
  /** Smoothing of the square. Default 0.99. */
  readonly alpha?: number;
  /** Default 1e-8. */
  readonly eps?: number;
  /** Share of the velocity that stays. Default 0: `velocity` is not touched. */
  readonly momentum?: number;
  /** Added to the gradient times the weight (not decoupled). Default 0. */
  readonly weightDecay?: number;
}

/**
 * Updates `weight`, `v`, and `velocity` if there is momentum, in place.
 *
 * @throws {TypeError} if shapes differ, a tensor is not f32, or there is momentum but no `velocity`
 */
export function rmsprop(
  device: Device,
  { weight, gradient, v, velocity }: RmspropTensors,
  options: RmspropStep,
): void {
  const { learningRate, alpha = 0.99, eps = 1e-8, weightDecay = 0 } = options;
  const { momentum = 0, clip } = options;
  launchMomentumUpdate(
    device,
    rmspropShader,
    { weight, gradient, v },
    { momentum, velocity },
    clip,
    {
      weight_decay: weightDecay,
      alpha,
      one_less_alpha: 1 - alpha,
      learning_rate: learningRate,
      eps,
    },
  );
}
