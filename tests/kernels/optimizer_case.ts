/**
 * What the optimizers' tests start from: weights with zeroed state, gradients, and the factor on
 * them.
 */
import type { Device } from "../../kernels/device/device.ts";
import type { Tensor } from "../../kernels/device/tensor.ts";
import { seeded } from "./numbers.ts";

/** Steps of `takeSteps()`. */
export const STEPS = 3;

/** A weight with its zeroed state on the device and the same numbers in float64. */
export function start(device: Device, count: number) {
  const data = seeded(count, count);
  const weight = device.upload(data, [count]);
  const states = [device.zeros([count]), device.zeros([count])] as const;
  const twin = Float64Array.from(data);
  const twinStates = [
    new Float64Array(count),
    new Float64Array(count),
  ] as const;
  return { weight, states, twin, twinStates };
}

/** What `gradientClip()` leaves for the updates. */
export function clipOf(device: Device, factor: number): Tensor {
  return device.upload(Float32Array.of(1, factor), [2]);
}

/** Calls `step` with a new gradient, on the device and as numbers, from step 1 on. */
export function takeSteps(
  device: Device,
  count: number,
  step: (gradient: Tensor, numbers: Float32Array, number: number) => void,
): void {
  for (let number = 1; number <= STEPS; number++) {
    const numbers = seeded(count, 100 * count + number, 0.3);
    step(device.upload(numbers, [count]), numbers, number);
  }
}
