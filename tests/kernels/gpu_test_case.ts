/**
 * Registers one test per kernel variant on a device that the whole file shares. Where no WebGPU
 * adapter is found, the test is skipped by its name.
 */
import type { Device } from "../../kernels/device/device.ts";
import { openDevice } from "../../kernels/device/open_deno.ts";
import type {
  DeviceOptions,
  Variant,
} from "../../kernels/device/device_options.ts";
import { test } from "../test_case.ts";

const devices = new Map<string, Promise<Device>>();

async function open(options: DeviceOptions): Promise<Device> {
  const key = JSON.stringify(options);
  const opening = devices.get(key) ?? openDevice(options);
  devices.set(key, opening);
  return await opening;
}

const adapter = await open({ variant: "panel" }).then(() => true, () => false);

/** Tests `body` with both kernel variants, or those named; the device's other options may be set. */
export async function gpuTest(
  name: string,
  body: (device: Device, context: Deno.TestContext) => Promise<void>,
  {
    variants = ["panel", "tile"],
    read = false,
    write = false,
    long = false,
    ...options
  }:
    & {
      variants?: readonly Variant[];
      read?: boolean | string[];
      write?: boolean | string[];
      long?: boolean;
    }
    & Omit<DeviceOptions, "variant"> = {},
): Promise<void> {
  for (const variant of variants) {
    const device = adapter ? await open({ ...options, variant }) : undefined;
    test({
      name: `${name} (${adapter ? variant : "skipped: no WebGPU adapter"})`,
      ignore: !adapter,
      permissions: { read, write },
      long,
      async fn(context) {
        using _scope = device!.scope();
        await body(device!, context);
      },
    });
  }
}
