/**
 * Launches a kernel that treats every element alike: four elements an invocation where the length
 * allows, and in windows where a tensor is larger than a binding. Knows no op. Both kinds
 * of device share these kernels: with vec4 loads a storage texture was not faster on a CPU.
 */
import type { Device } from "../device/device.ts";
import { foldedGrid } from "../device/grid.ts";
import type { Kernel } from "../device/kernel.ts";
import { elementWindows, windowView } from "./launch_windows.ts";
import type { PipelineOptions } from "../device/pipelines.ts";
import { elements, type Tensor } from "../device/tensor.ts";

/** Invocations of a workgroup; fewer cost a CPU device twice the time. */
export const GROUP_SIZE = 256;

/**
 * Elements per invocation, and the options that make the kernel so: `Real` is `vec4f` if `divides`
 * is a multiple of 4.
 */
export function elementWidth(
  divides: number,
): { width: 1 | 4; options: Required<PipelineOptions> } {
  const width = divides % 4 === 0 ? 4 : 1;
  return {
    width,
    options: {
      constants: { WORKGROUP_SIZE: GROUP_SIZE },
      aliases: width === 4 ? { Real: "vec4f" } : {},
    },
  };
}

/**
 * Launches `kernel` over f32 tensors of equal length, whose parameter `count` is the invocations.
 * Does nothing if they are empty.
 *
 * @param tensors by the kernel's binding names; its text has `alias Real` and `WORKGROUP_SIZE`
 * @param options.shared further bindings, which every window is given whole
 */
export function launchElements(
  device: Device,
  kernel: Kernel,
  tensors: Readonly<Record<string, Tensor>>,
  params: Readonly<Record<string, number>> = {},
  { constants = {}, shared = {} }: {
    readonly constants?: Readonly<Record<string, number>>;
    readonly shared?: Readonly<Record<string, Tensor>>;
  } = {},
): void {
  const named = Object.entries(tensors);
  const length = elements(named[0]![1].shape);
  for (const window of elementWindows(device, length)) {
    const { width, options } = elementWidth(window.count);
    const count = window.count / width;
    const views = named.map(([name, tensor]) => [
      name,
      windowView(tensor, window),
    ]);
    device.launch(
      kernel,
      { ...Object.fromEntries(views), ...shared },
      { ...params, count },
      foldedGrid(Math.ceil(count / GROUP_SIZE)),
      { ...options, constants: { ...options.constants, ...constants } },
    );
  }
}
