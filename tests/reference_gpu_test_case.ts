/**
 * Tests on the device that compare with numbers of the reference; see `reference_test_case.ts`.
 * They are apart from it, so that tests without a device need not open one.
 */
import type { Device } from "../kernels/device/device.ts";
import type { DeviceKind } from "../kernels/device/device_options.ts";
import { gpuTest } from "./kernels/gpu_test_case.ts";
import { REFERENCE } from "./reference_dir.ts";
import { referenceName } from "./reference_test_case.ts";

/** Registers a test on the device, once per kind of kernels, that may read the reference. */
export async function referenceGpuTest(
  name: string,
  body: (device: Device, context: Deno.TestContext) => Promise<void>,
  { read = [], write = [], kinds = ["cpu", "gpu"], long = false }: {
    readonly read?: readonly string[];
    readonly write?: readonly string[];
    readonly kinds?: readonly DeviceKind[];
    readonly long?: boolean;
  } = {},
): Promise<void> {
  await gpuTest(referenceName(name), body, {
    read: [...REFERENCE, ...read],
    write: [...write],
    kinds,
    long,
  });
}
