/**
 * One step of stochastic gradient descent on one tensor, in place, with or without momentum, as in
 * PyTorch.
 */
import type { Device } from "../device/device.ts";
import type { Tensor } from "../device/tensor.ts";
import text from "./sgd.wgsl" with { type: "text" };
import {
  launchMomentumUpdate,
  momentumShader,
  type Trained,
  type UpdateStep,
} from "./update_launch.ts";

/** The step, with and without momentum. */
export const sgdShader = momentumShader("sgd", text);

/** A trained tensor, its gradient and its velocity: f32, of one shape. */
export interface SgdTensors extends Trained {
  /** Running sum of the gradients, zeros before the first step; needed with momentum only. */
  readonly velocity?: Tensor;
}

/** Numbers of one step. */
export interface SgdStep extends UpdateStep {
  /** Share of the velocity that stays. Default 0: `velocity` is not touched. */
  readonly momentum?: number;
  /** Added to the gradient times the weight (not decoupled). Default 0. */
  readonly weightDecay?: number;
}

/**
 * Updates `weight`, and `velocity` if there is momentum, in place.
 *
 * @throws {TypeError} if shapes differ, a tensor is not f32, or there is momentum but no `velocity`
 */
export function sgd(
  device: Device,
  { weight, gradient, velocity }: SgdTensors,
  { learningRate, momentum = 0, weightDecay = 0, clip }: SgdStep,
): void {
  launchMomentumUpdate(
    device,
    sgdShader,
    { weight, gradient },
    { momentum, velocity },
    clip,
    { weight_decay: weightDecay, learning_rate: learningRate },
  );
}
