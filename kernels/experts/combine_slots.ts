/**
 * The sum of the outputs of a token's experts, each times its gate, and its gradients. Knows no
 * expert.
 */
import backwardSource from "./combine_slots_backward.wgsl" with {
  type: "text",
};
import combineSource from "./combine_slots.wgsl" with { type: "text" };
import type { Device } from "../device/device.ts";
import { elementWidth, GROUP_SIZE } from "../launch/element_launch.ts";
import { foldedGrid } from "../device/grid.ts";
import { defineKernel } from "../device/kernel.ts";
import { expectRows } from "../launch/row_slices.ts";
import { matrixShape, type Tensor } from "../device/tensor.ts";

const combineKernel = defineKernel("combine_slots", combineSource);
const backwardKernel = defineKernel("combine_slots_backward", backwardSource);

/**
 * y[t] = sum_j gates[t, j] x[slots[t, j]]: `[tokens, cols]` from x `[tokens * k, cols]`.
 *
 * @param gates `[tokens, k]`; undefined: all are one
 * @throws {TypeError} if shapes do not fit
 */
export function combineSlots(
  device: Device,
  x: Tensor,
  slots: Tensor,
  gates?: Tensor,
): Tensor {
  const [tokens, k] = matrixShape(slots);
  const [, cols] = matrixShape(x);
  expectRows("x", x, tokens * k, cols);
  if (gates) expectRows("gates", gates, tokens, k);
  const y = device.allocate([tokens, cols]);
  const { width, options } = elementWidth(cols);
  const count = tokens * cols / width;
  if (count === 0) return y;
  device.launch(
    combineKernel,
    { x, slots, gates: gates ?? x, y },
    { count, cols: cols / width, k },
    foldedGrid(Math.ceil(count / GROUP_SIZE)),
    {
      ...options,
      constants: { ...options.constants, GATED: Number(gates !== undefined) },
    },
  );
  return y;
}

/** Gradients of x and of the gates. @param dy `[tokens, cols]` */
export function combineSlotsBackward(
  device: Device,
  { x, slots, gates }: {
    readonly x: Tensor;
    readonly slots: Tensor;
    readonly gates: Tensor;
  },
  dy: Tensor,
): { dx: Tensor; dgates: Tensor } {
  const [tokens, k] = matrixShape(slots);
  const [, cols] = matrixShape(x);
  expectRows("dy", dy, tokens, cols);
  const dx = device.allocate(x.shape);
  const dgates = device.allocate(gates.shape);
  const choices = tokens * k;
  if (choices > 0) {
    device.launch(
      backwardKernel,
      { x, slots, gates, dy, dx, dgates },
      { choices, cols, k },
      foldedGrid(choices),
    );
  }
  return { dx, dgates };
}
