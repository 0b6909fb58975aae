/** One step of stochastic gradient descent on one tensor, in place, with or without momentum, as in PyTorch. */
import type { Device } from "../device/device.ts";
import { defineKernel } from "../device/kernel.ts";
import source from "./sgd.wgsl" with { type: "text" };
import momentumSource from "./sgd_momentum.wgsl" with { type: "text" };
import type { Tensor } from "../device/tensor.ts";
import { expectVelocity, launchUpdate } from "./update_launch.ts";

const plain = defineKernel("sgd", source);
const withMomentum = defineKernel("sgd_momentum", momentumSource);

/** A trained tensor and its gradient: f32, of one shape. */
export interface SgdTensors {
  readonly weight: Tensor;
  readonly gradient: Tensor;
  /** Running sum of the gradients, zeros before the first step; needed with momentum only. */
  readonly velocity?: Tensor;
}

/** Numbers of one step. */
export interface SgdStep {
  readonly learningRate: number;
  /** Share of the velocity that stays. Default 0: `velocity` is not touched. */
  readonly momentum?: number;
  /** Added to the gradient times the weight (not decoupled). Default 0. */
  readonly weightDecay?: number;
  /** From `gradientClip()`, `[2]`: the factor on the gradient, or that nothing may change. */
  readonly clip: Tensor;
}

/**
 * Updates `weight`, and `velocity` if there is momentum, in place.
 *
 * @throws {TypeError} if shapes differ, a tensor is not f32, or there is momentum but no `velocity`
 */
export function sgd(
  device: Device,
  { weight, gradient, velocity }: SgdTensors,
  options: SgdStep,
): void {
  const { learningRate, momentum = 0, weightDecay = 0, clip } = options;
  const params = {
    weight_decay: weightDecay,
    learning_rate: learningRate,
  };
  if (momentum === 0) {
    launchUpdate(device, plain, { weight, gradient }, clip, params);
    return;
  }
  const tensors = {
    weight,
    gradient,
    velocity: expectVelocity(velocity, weight),
  };
  launchUpdate(device, withMomentum, tensors, clip, { ...params, momentum });
}
