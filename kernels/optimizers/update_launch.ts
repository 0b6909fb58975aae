/** Launches the update of one trained tensor. Knows no optimizer. */
import type { Device } from "../device/device.ts";
import { launchElements } from "../launch/element_launch.ts";
import type { Kernel } from "../device/kernel.ts";
import { expectShape, type Tensor } from "../device/tensor.ts";

/**
 * Launches `kernel` over a weight, its gradient and its state, in windows where they are larger than a binding.
 *
 * @param tensors f32 tensors of one shape, by the kernel's binding names
 * @param clip from `gradientClip()`, `[2]`
 * @throws {TypeError} if a shape differs from the first one's, or a dtype is not f32
 */
export function launchUpdate(
  device: Device,
  kernel: Kernel,
  tensors: Readonly<Record<string, Tensor>>,
  clip: Tensor,
  params: Readonly<Record<string, number>>,
): void {
  const named = Object.entries(tensors);
  const shape = named[0]![1].shape;
  for (const [name, tensor] of named) {
    expectShape(name, tensor, shape);
    if (tensor.dtype !== "f32") {
      throw new TypeError(
        `Cannot launch kernel "${kernel.name}": tensor "${name}" is ${tensor.dtype}, expected f32`,
      );
    }
  }
  expectShape("clip", clip, [2]);
  launchElements(device, kernel, tensors, params, { shared: { clip } });
}

/**
 * The velocity that a step with momentum needs.
 *
 * @throws {TypeError} if there is none
 */
export function expectVelocity(
  velocity: Tensor | undefined,
  { shape }: Tensor,
): Tensor {
  if (velocity) return velocity;
  throw new TypeError(
    `Cannot take a step with momentum: "velocity" is missing, expected a tensor [${
      shape.join(", ")
    }]`,
  );
}
