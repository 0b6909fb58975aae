/**
 * What the optimizers have in common: the tensors and numbers of a step, and how its kernel is
 * launched. Knows no optimizer.
 */
import type { Device } from "../device/device.ts";
import type { Kernel } from "../device/kernel.ts";
import { createShader, type Shader } from "../device/shader.ts";
import { expectShape, type Tensor } from "../device/tensor.ts";
import { launchElements } from "../launch/element_launch.ts";

/** A trained tensor and its gradient: f32, of one shape. */
export interface Trained {
  readonly weight: Tensor;
  readonly gradient: Tensor;
}

/** Numbers of every optimizer's step. */
export interface UpdateStep {
  readonly learningRate: number;
  /** From `gradientClip()`, `[2]`: the factor on the gradient, or that nothing may change. */
  readonly clip: Tensor;
}

/**
 * Launches `kernel` over a weight, its gradient and its state, in windows where they are larger
 * than a binding.
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

/** The kernels of an update with and without momentum. */
export type MomentumShader = Shader<{ readonly MOMENTUM: boolean }>;

/**
 * The kernels of a file that takes `MOMENTUM`: called as the file is, with momentum
 * `NAME_momentum`.
 */
export function momentumShader(name: string, text: string): MomentumShader {
  return createShader({ name: `${name}.wgsl`, text }, {
    nameOf: ({ MOMENTUM }) => MOMENTUM ? `${name}_momentum` : name,
    used: () => [{ MOMENTUM: false }, { MOMENTUM: true }],
  });
}

/** Momentum, and the tensor that it is kept in. */
export interface Momentum {
  /** Share of the velocity that stays; 0: there is no velocity. */
  readonly momentum: number;
  readonly velocity: Tensor | undefined;
}

/**
 * As `launchUpdate()`, for an update with or without momentum.
 *
 * @throws {TypeError} as `launchUpdate()`, and if there is momentum but no velocity
 */
export function launchMomentumUpdate(
  device: Device,
  shader: MomentumShader,
  tensors: Trained & Readonly<Record<string, Tensor>>,
  { momentum, velocity }: Momentum,
  clip: Tensor,
  params: Readonly<Record<string, number>>,
): void {
  const kernel = shader.kernel({ MOMENTUM: momentum !== 0 });
  if (momentum === 0) {
    launchUpdate(device, kernel, tensors, clip, params);
    return;
  }
  if (velocity === undefined) {
    const shape = tensors.weight.shape.join(", ");
    throw new TypeError(
      `Cannot take a step with momentum: "velocity" is missing, expected a tensor [${shape}]`,
    );
  }
  const all = { ...tensors, velocity };
  launchUpdate(device, kernel, all, clip, { ...params, momentum });
}
