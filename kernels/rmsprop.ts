/** One step of RMSprop on one tensor, in place, without momentum and not centred: PyTorch's defaults. */
import type { Device } from "./device.ts";
import { defineKernel } from "./kernel.ts";
import source from "./rmsprop.wgsl" with { type: "text" };
import type { Tensor } from "./tensor.ts";
import { launchUpdate } from "./update_launch.ts";

const kernel = defineKernel("rmsprop", source);

/** A trained tensor with its gradient and running square: f32, of one shape. */
export interface RmspropTensors {
  readonly weight: Tensor;
  readonly gradient: Tensor;
  /** Running mean of the gradient's square; zeros before the first step. */
  readonly v: Tensor;
}

/** Numbers of one RMSprop step. */
export interface RmspropStep {
  readonly learningRate: number;
  /** Smoothing of the square. Default 0.99. */
  readonly alpha?: number;
  /** Default 1e-8. */
  readonly eps?: number;
  /** Added to the gradient times the weight (not decoupled). Default 0. */
  readonly weightDecay?: number;
  /** From `gradientClip()`, `[2]`: the factor on the gradient, or that nothing may change. */
  readonly clip: Tensor;
}

/**
 * Updates `weight` and `v` in place.
 *
 * @throws {TypeError} if shapes differ or a tensor is not f32
 */
export function rmsprop(
  device: Device,
  { weight, gradient, v }: RmspropTensors,
  options: RmspropStep,
): void {
  const { learningRate, alpha = 0.99, eps = 1e-8, weightDecay = 0 } = options;
  launchUpdate(device, kernel, { weight, gradient, v }, options.clip, {
    weight_decay: weightDecay,
    alpha,
    one_less_alpha: 1 - alpha,
    learning_rate: learningRate,
    eps,
  });
}
