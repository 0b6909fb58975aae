/**
 * The matrix product: one launch of the kernel that suits the device, and which of its tiles tuning
 * has chosen for it.
 */
import type { Device } from "../device/device.ts";
import { PATHS } from "../device/paths.ts";
import { launchCpuProduct } from "./cpu/matmul_cpu.ts";
import { launchFewRowsProduct, launchGpuProduct } from "./gpu/matmul_gpu.ts";
import type { Product } from "./operands/operand.ts";

const choices = new WeakMap<Device, number>();

/**
 * The tile in use, by its place in the list of its kind of device: the first until tuning has
 * chosen.
 */
export function chosenProduct(device: Device): number {
  return choices.get(device) ?? 0;
}

/** Uses another tile from the next launch on. */
export function chooseProduct(device: Device, tile: number): void {
  choices.set(device, tile);
}

const LAUNCHERS = {
  matmul_cpu: launchCpuProduct,
  few_rows_gpu: launchFewRowsProduct,
  matmul_gpu: launchGpuProduct,
};

/** Launches a product; an empty one does nothing. */
export function launchProduct(device: Device, product: Product): void {
  const { mode, rows, cols, scale, range } = product;
  if (rows === 0 || cols === 0) return;
  const isPlain = scale === undefined && range === undefined;
  const launch = LAUNCHERS[PATHS.matmul(device, { mode, rows, isPlain })];
  launch(device, product, chosenProduct(device));
}
