/**
 * The gated unit of a feed-forward block, `activation(gate) * up`, and its backward. Knows nothing
 * of the matrices around it. Source: https://arxiv.org/abs/2002.05202.
 */
import type { Device } from "../device/device.ts";
import { singleKernel } from "../device/shader.ts";
import { expectShape, type Tensor } from "../device/tensor.ts";
import { launchElements } from "../launch/element_launch.ts";
import activated from "./pieces/activated.wgsl" with { type: "text" };
import activation from "./pieces/activation.wgsl" with { type: "text" };
import normalShare from "./pieces/normal_share.wgsl" with { type: "text" };
import text from "./gated_unit.wgsl" with { type: "text" };
import backwardText from "./gated_unit_backward.wgsl" with { type: "text" };
import sigmoid from "./pieces/sigmoid.wgsl" with { type: "text" };

/** `activation(x: Real)`, by the override `ACTIVATION`, for shaders that make a gate themselves. */
export const ACTIVATION_PIECES = {
  "activation.wgsl": activation,
  "normal_share.wgsl": normalShare,
  "sigmoid.wgsl": sigmoid,
};

/** `activated(x: Real)`: the same with its slope, for backward shaders. */
export const ACTIVATED_PIECES = {
  "activated.wgsl": activated,
  "normal_share.wgsl": normalShare,
  "sigmoid.wgsl": sigmoid,
};

/** `activation(gate) * up`. */
export const gatedUnitShader = singleKernel({
  name: "gated_unit.wgsl",
  text,
  pieces: ACTIVATION_PIECES,
});

/** Its gradients. */
export const gatedUnitBackwardShader = singleKernel({
  name: "gated_unit_backward.wgsl",
  text: backwardText,
  pieces: ACTIVATED_PIECES,
});

/**
 * What is applied to the gate: x sigmoid(x), the tanh form of x Phi(x), max(x, 0)^2, sigmoid(x),
 * or x Phi(x) itself.
 */
export type Activation = "silu" | "gelu_tanh" | "relu2" | "sigmoid" | "gelu";

/** Values of the override `ACTIVATION`. */
export const ACTIVATIONS: Readonly<Record<Activation, number>> = {
  silu: 0,
  gelu_tanh: 1,
  relu2: 2,
  sigmoid: 3,
  gelu: 4,
};

/**
 * `activation(gate) * up`, of the shape of both.
 *
 * @throws {TypeError} if the shapes differ
 */
export function gatedUnit(
  device: Device,
  gate: Tensor,
  up: Tensor,
  activation: Activation,
): Tensor {
  expectShape("up", up, gate.shape);
  const y = device.allocate(gate.shape);
  const constants = { ACTIVATION: ACTIVATIONS[activation] };
  launchElements(device, gatedUnitShader.kernel({}), { gate, up, y }, {}, {
    constants,
  });
  return y;
}

/**
 * Gradients of `gatedUnit()` for the slopes `dy` of its result.
 *
 * @throws {TypeError} if the shapes differ
 */
export function gatedUnitBackward(
  device: Device,
  gate: Tensor,
  up: Tensor,
  dy: Tensor,
  activation: Activation,
): { dGate: Tensor; dUp: Tensor } {
  expectShape("up", up, gate.shape);
  expectShape("dy", dy, gate.shape);
  const dGate = device.allocate(gate.shape);
  const dUp = device.allocate(gate.shape);
  const tensors = { gate, up, dy, d_gate: dGate, d_up: dUp };
  const constants = { ACTIVATION: ACTIVATIONS[activation] };
  launchElements(device, gatedUnitBackwardShader.kernel({}), tensors, {}, {
    constants,
  });
  return { dGate, dUp };
}
