/**
 * One step of AdamW on one tensor, in place. Knows no parameter groups and no schedule.
 * Source: https://arxiv.org/abs/1711.05101, Algorithm 2, with the order of operations of PyTorch.
 */
import type { Device } from "../device/device.ts";
import { singleKernel } from "../device/shader.ts";
import type { Tensor } from "../device/tensor.ts";
import text from "./adamw.wgsl" with { type: "text" };
import adamwParamsText from "./adamw_params.wgsl" with { type: "text" };
import {
  launchUpdate,
  type Trained,
  type UpdateStep,
} from "./update_launch.ts";

/** `struct Params` of a step, for the kernel of 8 bits too. */
export const ADAMW_PIECES = { "adamw_params.wgsl": adamwParamsText };

/** The step. */
export const adamwShader = singleKernel({
  name: "adamw.wgsl",
  text,
  pieces: ADAMW_PIECES,
});

/** A trained tensor with its gradient and moments: f32, of one shape. */
export interface AdamwTensors extends Trained {
  /** Running mean of the gradient; zeros before the first step. */
  readonly m: Tensor;
  /** Running mean of the gradient's square; zeros before the first step. */
  readonly v: Tensor;
}

/** Numbers of one AdamW step. */
export interface AdamwStep extends UpdateStep {
  /** Usually 0.9. */
  readonly beta1: number;
  /** Usually 0.999. */
  readonly beta2: number;
  /** Usually 1e-8. */
  readonly eps: number;
  /** Decoupled: the weight shrinks by `learningRate * weightDecay`. */
  readonly weightDecay: number;
  /** Number of this step, from 1. */
  readonly step: number;
}

/**
 * Updates `weight`, `m` and `v` in place.
 *
 * @throws {TypeError} if shapes differ or a tensor is not f32
 * @throws {RangeError} if `step` is below 1
 */
export function adamw(
  device: Device,
  { weight, gradient, m, v }: AdamwTensors,
  options: AdamwStep,
): void {
  launchUpdate(
    device,
    adamwShader.kernel({}),
    { weight, gradient, m, v },
    options.clip,
    adamwParams(options),
  );
}

/**
 * The kernel's parameters for a step.
 *
 * @throws {RangeError} if `step` is below 1
 */
export function adamwParams(
  { learningRate, beta1, beta2, eps, weightDecay, step }: AdamwStep,
): Record<string, number> {
  if (!(step >= 1)) {
    throw new RangeError(
      `Cannot take an AdamW step: step is ${step}, expected 1 or more`,
    );
  }
  return {
    decay: 1 - learningRate * weightDecay,
    one_less_beta1: 1 - beta1,
    beta2,
    one_less_beta2: 1 - beta2,
    step_size: learningRate / (1 - beta1 ** step),
    root_correction: Math.sqrt(1 - beta2 ** step),
    eps,
  };
}
