/** One step of RMSprop on one tensor, in place, with or without momentum, not centred, as in PyTorch. */
import type { Device } from "../device/device.ts";
import { defineKernel } from "../device/kernel.ts";
import source from "./rmsprop.wgsl" with { type: "text" };
import momentumSource from "./rmsprop_momentum.wgsl" with { type: "text" };
import type { Tensor } from "../device/tensor.ts";
import { expectVelocity, launchUpdate } from "./update_launch.ts";

const plain = defineKernel("rmsprop", source);
const withMomentum = defineKernel("rmsprop_momentum", momentumSource);

/** A trained tensor with its gradient and running square: f32, of one shape. */
export interface RmspropTensors {
  readonly weight: Tensor;
  readonly gradient: Tensor;
  /** Running mean of the gradient's square; zeros before the first step. */
  readonly v: Tensor;
  /** Running sum of the scaled gradients, zeros before the first step; needed with momentum only. */
  readonly velocity?: Tensor;
}

/** Numbers of one RMSprop step. */
export interface RmspropStep {
  readonly learningRate: number;
  /** Smoothing of the square. Default 0.99. */
  readonly alpha?: number;
  /** Default 1e-8. */
  readonly eps?: number;
  /** Share of the velocity that stays. Default 0: `velocity` is not touched. */
  readonly momentum?: number;
  /** Added to the gradient times the weight (not decoupled). Default 0. */
  readonly weightDecay?: number;
  /** From `gradientClip()`, `[2]`: the factor on the gradient, or that nothing may change. */
  readonly clip: Tensor;
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
  const params = {
    weight_decay: weightDecay,
    alpha,
    one_less_alpha: 1 - alpha,
    learning_rate: learningRate,
    eps,
  };
  const tensors = { weight, gradient, v };
  if (momentum === 0) {
    launchUpdate(device, plain, tensors, clip, params);
    return;
  }
  const all = { ...tensors, velocity: expectVelocity(velocity, weight) };
  launchUpdate(device, withMomentum, all, clip, { ...params, momentum });
}
