/**
 * One step of Lion on one tensor, in place: every weight moves by the learning rate, up or down. A
 * third to a tenth of AdamW's learning rate is usual.
 * Source: https://arxiv.org/abs/2302.06675, Algorithm 2.
 */
import type { Device } from "../device/device.ts";
import { defineKernel } from "../device/kernel.ts";
import source from "./lion.wgsl" with { type: "text" };
import type { Tensor } from "../device/tensor.ts";
import {
  launchUpdate,
  type Trained,
  type UpdateStep,
} from "./update_launch.ts";

const kernel = defineKernel("lion", source);

/** A trained tensor with its gradient and momentum: f32, of one shape. */
export interface LionTensors extends Trained {
  /** Running mean of the gradient; zeros before the first step. */
  readonly m: Tensor;
}

/** Numbers of one Lion step. */
export interface LionStep extends UpdateStep {
  /** Share of the mean in the direction, usually 0.9. */
  readonly beta1: number;
  /** Decay of the mean, usually 0.99. */
  readonly beta2: number;
  /** Decoupled: the weight shrinks by `learningRate * weightDecay`. */
  readonly weightDecay: number;
}

/**
 * Updates `weight` and `m` in place.
 *
 * @throws {TypeError} if shapes differ or a tensor is not f32
 */
export function lion(
  device: Device,
  { weight, gradient, m }: LionTensors,
  { learningRate, beta1, beta2, weightDecay, clip }: LionStep,
): void {
  launchUpdate(device, kernel, { weight, gradient, m }, clip, {
    decay: 1 - learningRate * weightDecay,
    one_less_beta1: 1 - beta1,
    one_less_beta2: 1 - beta2,
    learning_rate: learningRate,
  });
}
