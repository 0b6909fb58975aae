/**
 * Cuts tensors that are larger than what the device binds into windows, each a view. Knows no
 * kernel.
 */
import type { Device } from "../device/device.ts";
import { elements, rowsView, type Tensor } from "../device/tensor.ts";

/** Windows begin at multiples of so many elements, where a binding may. */
const UNIT = 64;

/** Elements `[first, first + count)` of a tensor. */
export interface Window {
  readonly first: number;
  readonly count: number;
}

/**
 * Cuts `count` 4-byte elements into windows that one binding holds, of whole multiples of `unit`
 * elements.
 *
 * @param unit multiple of 64, so that each window begins where a binding may
 */
export function elementWindows(
  device: Device,
  count: number,
  unit = UNIT,
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
