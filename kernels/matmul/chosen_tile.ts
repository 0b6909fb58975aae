/** Which of the candidates a device multiplies with: the first until tuning has chosen. Knows no candidate. */
import type { Device } from "../device/device.ts";

const choices = new WeakMap<Device, number>();

/** The candidate in use, by its place in the variant's list. */
export function chosenProduct(device: Device): number {
  return choices.get(device) ?? 0;
}

/** Uses a candidate from the next launch on. */
export function chooseProduct(device: Device, candidate: number): void {
  choices.set(device, candidate);
}
