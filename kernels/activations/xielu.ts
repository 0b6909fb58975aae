/**
 * xIELU, an activation with two trained numbers, forward and backward. Knows nothing of the
 * matrices around it. Source: https://arxiv.org/abs/2411.13010.
 */
import type { Device } from "../device/device.ts";
import { foldedGrid } from "../device/grid.ts";
import { singleKernel } from "../device/shader.ts";
import { elements, expectShape, type Tensor } from "../device/tensor.ts";
import { columnSums } from "../launch/column_sums.ts";
import text from "./xielu.wgsl" with { type: "text" };
import backwardText from "./xielu_backward.wgsl" with { type: "text" };
import parts from "./pieces/xielu_parts.wgsl" with { type: "text" };

const PIECES = { "xielu_parts.wgsl": parts };

/** `y`. */
export const xieluShader = singleKernel({
  name: "xielu.wgsl",
  text,
  pieces: PIECES,
});

/** `dx`, and what each number adds to the slopes of the two trained numbers. */
export const xieluBackwardShader = singleKernel({
  name: "xielu_backward.wgsl",
  text: backwardText,
  pieces: PIECES,
});

const WORKGROUP_SIZE = 64;

/** The numbers of a layer's activation, each a tensor of one number. */
export interface XieluNumbers {
  readonly alpha_p: Tensor;
  readonly alpha_n: Tensor;
  readonly beta: Tensor;
  readonly eps: Tensor;
}

/** `xielu(x)`, of the shape of `x`. */
export function xielu(
  device: Device,
  x: Tensor,
  { alpha_p, alpha_n, beta, eps }: XieluNumbers,
): Tensor {
  const y = device.allocate(x.shape);
  const count = elements(x.shape);
  if (count === 0) return y;
  device.launch(
    xieluShader.kernel({}),
    { x, alpha_p, alpha_n, beta, eps, y },
    { count },
    foldedGrid(Math.ceil(count / WORKGROUP_SIZE)),
    { constants: { WORKGROUP_SIZE } },
  );
  return y;
}

/**
 * Gradients of `xielu()` for the slopes `dy` of its result.
 *
 * @returns `dx` of `x`'s shape, and `dAlphas`, `[2]`, of `alpha_p` and `alpha_n`, summed in a fixed
 *   order
 * @throws {TypeError} if the shapes differ
 */
export function xieluBackward(
  device: Device,
  x: Tensor,
  { alpha_p, alpha_n, beta, eps }: XieluNumbers,
  dy: Tensor,
): { dx: Tensor; dAlphas: Tensor } {
  expectShape("dy", dy, x.shape);
  const dx = device.allocate(x.shape);
  const count = elements(x.shape);
  if (count === 0) return { dx, dAlphas: device.zeros([2]) };
  const parts = device.allocate([count, 2]);
  device.launch(
    xieluBackwardShader.kernel({}),
    { x, alpha_p, alpha_n, beta, eps, dy, dx, parts },
    { count },
    foldedGrid(Math.ceil(count / WORKGROUP_SIZE)),
    { constants: { WORKGROUP_SIZE } },
  );
  const dAlphas = columnSums(device, parts);
  device.release(parts);
  return { dx, dAlphas };
}
