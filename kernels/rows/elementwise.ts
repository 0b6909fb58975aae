/**
 * Sums, products and multiples of whole tensors, in place or not. Any shape, f32, also beyond the
 * binding limit.
 */
import addSource from "./add.wgsl" with { type: "text" };
import addIntoSource from "./add_into.wgsl" with { type: "text" };
import type { Device } from "../device/device.ts";
import { launchElements } from "../launch/element_launch.ts";
import fillSource from "./fill.wgsl" with { type: "text" };
import { defineKernel } from "../device/kernel.ts";
import multiplySource from "./multiply.wgsl" with { type: "text" };
import scaleSource from "./scale.wgsl" with { type: "text" };
import { expectShape, type Tensor, tensorBytes } from "../device/tensor.ts";

const addKernel = defineKernel("add", addSource);
const addIntoKernel = defineKernel("add_into", addIntoSource);
const fillKernel = defineKernel("fill", fillSource);
const multiplyKernel = defineKernel("multiply", multiplySource);
const scaleKernel = defineKernel("scale", scaleSource);

/**
 * `a + b`, written to `into` if it is given (it may be `a` or `b`), else to a new tensor.
 *
 * @throws {TypeError} if the shapes differ
 */
export function add(
  device: Device,
  a: Tensor,
  b: Tensor,
  { into }: { into?: Tensor } = {},
): Tensor {
  expectShape("b", b, a.shape);
  if (into) expectShape("into", into, a.shape);
  const y = into ?? device.allocate(a.shape);
  // a buffer that is written may not be bound a second time
  if (y.buffer === a.buffer) addInto(device, y, b);
  else if (y.buffer === b.buffer) addInto(device, y, a);
  else launchElements(device, addKernel, { a, b, y });
  return y;
}

/**
 * `target += factor * from`.
 *
 * @throws {TypeError} if the shapes differ
 */
export function addInto(
  device: Device,
  target: Tensor,
  from: Tensor,
  factor = 1,
): void {
  expectShape("from", from, target.shape);
  launchElements(device, addIntoKernel, { x: from, y: target }, { factor });
}

/** `factor * x`, a new tensor. */
export function scale(device: Device, x: Tensor, factor: number): Tensor {
  const y = device.allocate(x.shape);
  launchElements(device, scaleKernel, { x, y }, { factor });
  return y;
}

/**
 * `a * b` element by element, a new tensor.
 *
 * @throws {TypeError} if the shapes differ
 */
export function multiply(device: Device, a: Tensor, b: Tensor): Tensor {
  expectShape("b", b, a.shape);
  const y = device.allocate(a.shape);
  launchElements(device, multiplyKernel, { a, b, y });
  return y;
}

/** Sets each element of `target`. */
export function fill(device: Device, target: Tensor, value: number): void {
  if (Object.is(value, 0)) {
    const { buffer, byteOffset = 0, shape, dtype } = target;
    const size = tensorBytes(shape, dtype);
    device.record((encoder) => encoder.clearBuffer(buffer, byteOffset, size));
  } else launchElements(device, fillKernel, { y: target }, { value });
}
