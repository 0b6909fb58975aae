/**
 * Launches an elementwise kernel over tensors of one shape that may be larger than what the adapter binds:
 * window after window, each a view. Knows no op.
 */
import type { Device } from "./device.ts";
import { foldedGrid } from "./grid.ts";
import type { Kernel } from "./kernel.ts";
import { elements, expectShape, rowsView, type Tensor } from "./tensor.ts";

/** Invocations of a workgroup; the kernels' `override WORKGROUP_SIZE` says the same. */
const WORKGROUP_SIZE = 64;

/** Elements `[first, first + count)` of a tensor. */
export interface Window {
  readonly first: number;
  readonly count: number;
}

/**
 * Cuts `count` 4-byte elements into windows that one binding holds, of whole multiples of `unit` elements.
 *
 * @param unit multiple of 64, so that each window begins where a binding may
 */
export function elementWindows(
  device: Device,
  count: number,
  unit = WORKGROUP_SIZE,
): Window[] {
  const most = Math.max(unit, Math.floor(device.windowBytes / 4 / unit) * unit);
  const windows: Window[] = [];
  for (let first = 0; first < count; first += most) {
    windows.push({ first, count: Math.min(most, count - first) });
  }
  return windows;
}

/** The part of a tensor that a window names, flat; the tensor itself if that is all of it. */
export function windowView(
  tensor: Tensor,
  { first, count }: Window,
): Tensor {
  const all = elements(tensor.shape);
  if (count === all) return tensor;
  return rowsView({ ...tensor, shape: [all, 1] }, first, count);
}

/**
 * Launches `kernel` with one invocation per element; its parameter `count` is the window's length.
 *
 * @param tensors f32 tensors of one shape, by the kernel's binding names
 * @throws {TypeError} if a shape differs from the first one's, or a dtype is not f32
 */
export function launchWindows(
  device: Device,
  kernel: Kernel,
  tensors: Readonly<Record<string, Tensor>>,
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
  for (const window of elementWindows(device, elements(shape))) {
    const bindings = Object.fromEntries(
      named.map(([name, tensor]) => [name, windowView(tensor, window)]),
    );
    const { count } = window;
    const grid = foldedGrid(Math.ceil(count / WORKGROUP_SIZE));
    device.launch(kernel, bindings, { ...params, count }, grid);
  }
}
