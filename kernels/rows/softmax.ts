/** Probabilities from logits, row by row. Knows no vocabulary and no temperature. */
import type { Device } from "../device/device.ts";
import { foldedGrid } from "../device/grid.ts";
import { defineKernel } from "../device/kernel.ts";
import source from "./softmax.wgsl" with { type: "text" };
import { elements, matrixShape, type Tensor } from "../device/tensor.ts";

const kernel = defineKernel("softmax", source);

/** `exp(x) / sum(exp(x))` of each row of x, `[rows, cols]`, shifted by the row's maximum. */
export function softmax(device: Device, x: Tensor): Tensor {
  const y = device.allocate(x.shape);
  if (elements(x.shape) === 0) return y;
  const [rows, cols] = matrixShape(x);
  device.launch(kernel, { x, y }, { rows, cols }, foldedGrid(rows));
  return y;
}
