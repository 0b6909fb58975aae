/**
 * One step of Adagrad on one tensor, in place: RMSprop's kernel with a sum of squares in the place of their mean.
 * Source: https://jmlr.org/papers/v12/duchi11a.html, with the order of operations of PyTorch.
 */
import type { Device } from "../device/device.ts";
import { defineKernel } from "../device/kernel.ts";
import source from "./rmsprop.wgsl" with { type: "text" };
import type { RmspropTensors } from "./rmsprop.ts";
import type { Tensor } from "../device/tensor.ts";
import { launchUpdate } from "./update_launch.ts";

const kernel = defineKernel("adagrad", source);

/** Numbers of one Adagrad step. */
export interface AdagradStep {
  readonly learningRate: number;
  /** Usually 1e-10. */
  readonly eps: number;
  /** Added to the gradient times the weight (not decoupled). */
  readonly weightDecay: number;
  /** From `gradientClip()`, `[2]`: the factor on the gradient, or that nothing may change. */
  readonly clip: Tensor;
}

/**
 * Updates `weight` and `v`, the sum of the gradient's squares so far, in place.
 *
 * @throws {TypeError} if shapes differ or a tensor is not f32
 */
export function adagrad(
  device: Device,
  { weight, gradient, v }: RmspropTensors,
  { learningRate, eps, weightDecay, clip }: AdagradStep,
): void {
  launchUpdate(device, kernel, { weight, gradient, v }, clip, {
    weight_decay: weightDecay,
    alpha: 1,
    one_less_alpha: 1,
    learning_rate: learningRate,
    eps,
  });
}
