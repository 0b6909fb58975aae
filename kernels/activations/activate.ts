/**
 * The activation of a feed-forward block without a gate, `activation(x)`, and its backward. Knows
 * nothing of the matrices around it.
 */
import type { Device } from "../device/device.ts";
import { singleKernel } from "../device/shader.ts";
import { expectShape, type Tensor } from "../device/tensor.ts";
import { launchElements } from "../launch/element_launch.ts";
import {
  ACTIVATED_PIECES,
  type Activation,
  ACTIVATION_PIECES,
  ACTIVATIONS,
} from "../rows/gated_unit.ts";
import text from "./activate.wgsl" with { type: "text" };
import backwardText from "./activate_backward.wgsl" with { type: "text" };

/** `activation(x)`. */
export const activateShader = singleKernel({
  name: "activate.wgsl",
  text,
  pieces: ACTIVATION_PIECES,
});

/** Its gradient. */
export const activateBackwardShader = singleKernel({
  name: "activate_backward.wgsl",
  text: backwardText,
  pieces: ACTIVATED_PIECES,
});

/** `activation(x)`, of the shape of `x`. */
export function activate(
  device: Device,
  x: Tensor,
  activation: Activation,
): Tensor {
  const y = device.allocate(x.shape);
  const constants = { ACTIVATION: ACTIVATIONS[activation] };
  launchElements(device, activateShader.kernel({}), { x, y }, {}, {
    constants,
  });
  return y;
}

/**
 * The gradient of `activate()` for the slopes `dy` of its result.
 *
 * @throws {TypeError} if the shapes differ
 */
export function activateBackward(
  device: Device,
  x: Tensor,
  dy: Tensor,
  activation: Activation,
): Tensor {
  expectShape("dy", dy, x.shape);
  const dx = device.allocate(x.shape);
  const constants = { ACTIVATION: ACTIVATIONS[activation] };
  const kernel = activateBackwardShader.kernel({});
  launchElements(device, kernel, { x, dy, dx }, {}, { constants });
  return dx;
}
