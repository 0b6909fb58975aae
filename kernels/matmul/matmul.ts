/**
 * The matrix product: one launch of the kernel that suits the device, and which of its tiles tuning has chosen for it.
 */
import type { Device } from "../device/device.ts";
import { readsTextures } from "../device/paths.ts";
import { launchCpuProduct } from "./cpu/matmul_cpu.ts";
import { launchGpuProduct } from "./gpu/matmul_gpu.ts";
import type { Product } from "./operands/operand.ts";

const choices = new WeakMap<Device, number>();

/** The tile in use, by its place in the list of its kind of device: the first until tuning has chosen. */
export function chosenProduct(device: Device): number {
  return choices.get(device) ?? 0;
}

/** Uses another tile from the next launch on. */
export function chooseProduct(device: Device, tile: number): void {
  choices.set(device, tile);
}

/** Launches a product; an empty one does nothing. */
export function launchProduct(device: Device, product: Product): void {
  if (product.rows === 0 || product.cols === 0) return;
  const launch = readsTextures(device) ? launchCpuProduct : launchGpuProduct;
  launch(device, product, chosenProduct(device));
}
