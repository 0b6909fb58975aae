/**
 * One step of Adagrad on one tensor, in place: RMSprop's kernel with a sum of squares in the place
 * of their mean.
 * Source: https://jmlr.org/papers/v12/duchi11a.html, with the order of operations of PyTorch.
 */
import type { Device } from "../device/device.ts";
import { defineKernel } from "../device/kernel.ts";
import type { Tensor } from "../device/tensor.ts";
import { rmspropShader } from "./rmsprop.ts";
import {
  launchUpdate,
  type Trained,
  type UpdateStep,
} from "./update_launch.ts";

const kernel = defineKernel("adagrad", rmspropShader.text({ MOMENTUM: false }));

/**
 * A trained tensor, its gradient and the sum of the gradient's squares so far: f32, of one shape.
 */
export interface AdagradTensors extends Trained {
  /** Zeros before the first step. */
  readonly v: Tensor;
}

/** Numbers of one Adagrad step. */
export interface AdagradStep extends UpdateStep {
  /** Usually 1e-10. */
  readonly eps: number;
  /** Added to the gradient times the weight (not decoupled). */
  readonly weightDecay: number;
}

/**
 * Updates `weight` and `v` in place.
 *
 * @throws {TypeError} if shapes differ or a tensor is not f32
 */
export function adagrad(
  device: Device,
  { weight, gradient, v }: AdagradTensors,
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
