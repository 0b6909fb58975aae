/**
 * Registers one test per kernel kind on a device that the whole file shares. Where no WebGPU
 * adapter is found, the test is skipped by its name.
 */
import type { Device } from "../../kernels/device/device.ts";
import { openDevice } from "../../kernels/device/open_deno.ts";
import type {
  DeviceKind,
  DeviceOptions,
} from "../../kernels/device/device_options.ts";
import { test } from "../test_case.ts";

const devices = new Map<string, Promise<Device>>();

async function open(options: DeviceOptions): Promise<Device> {
  const key = JSON.stringify(options);
  const opening = devices.get(key) ?? openDevice(options);
  devices.set(key, opening);
  return await opening;
}

const adapter = await open({ kind: "cpu" }).then(() => true, () => false);

/** Tests `body` with both kernel kinds, or those named; the device's other options may be set. */
export async function gpuTest(
  name: string,
  body: (device: Device, context: Deno.TestContext) => Promise<void>,
  {
    kinds = ["cpu", "gpu"],
    read = false,
    write = false,
    net = false,
    long = false,
    ...options
  }:
    & {
      kinds?: readonly DeviceKind[];
      read?: boolean | string[];
      write?: boolean | string[];
      net?: boolean | string[];
      long?: boolean;
    }
    & Omit<DeviceOptions, "kind"> = {},
): Promise<void> {
  for (const kind of kinds) {
    const device = adapter ? await open({ ...options, kind }) : undefined;
    test({
      name: `${name} (${adapter ? kind : "skipped: no WebGPU adapter"})`,
      ignore: !adapter,
      permissions: { read, write, net },
      long,
      async fn(context) {
        using _scope = device!.scope();
        await body(device!, context);
      },
    });
  }
}
