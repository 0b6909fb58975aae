/**
 * Opens the device of a page: the best GPU that the browser offers. Knows no Deno: see
 * `open_deno.ts`.
 */
import { Device } from "./device.ts";
import type { DeviceOptions } from "./device_options.ts";
import { openGpu } from "./open_gpu.ts";

/**
 * Opens the best GPU.
 *
 * @throws {Error} if the browser has no WebGPU, or a limit of the GPU is too small
 */
export async function openPageDevice(
  options: DeviceOptions = {},
): Promise<Device> {
  const found = await navigator.gpu?.requestAdapter({
    powerPreference: "high-performance",
  });
  if (found) return Device.of(await openGpu(found), options);
  throw new Error(
    "Cannot open a WebGPU device: this browser offers no GPU; switch WebGPU on, or take another browser",
  );
}
