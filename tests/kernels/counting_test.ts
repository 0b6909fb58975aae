/** A device that only counts holds what a real one does; a profile knows every launch. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Device } from "../../kernels/device/device.ts";
import { add } from "../../kernels/rows/elementwise.ts";
import { linear, linearDx } from "../../kernels/matmul/linear.ts";
import { createMatrix } from "../../kernels/matrix/matrix.ts";
import { BudgetError } from "../../kernels/device/pool.ts";
import { gpuTest } from "./gpu_test_case.ts";

/** Some products and sums, with a scope; returns the most bytes in use meanwhile. */
async function work(device: Device): Promise<readonly number[]> {
  const before = device.memory.usedBytes;
  device.memory.forgetPeak();
  {
    using _scope = device.scope();
    const w = createMatrix(device, 300, 172, "f32");
    const x = device.upload(new Float32Array(33 * 172), [33, 172]);
    const y = linear(device, x, w);
    add(device, linearDx(device, y, w), x);
    assertEquals((await device.read(y)).length, 33 * 300);
  }
  const { usedBytes, peakUsedBytes } = device.memory;
  return [usedBytes - before, peakUsedBytes - before];
}

await gpuTest(
  "counting() counts what the same work holds on a real device",
  async (device) => {
    using counting = Device.counting(device);
    const counted = await work(counting);
    assertEquals(await work(device), counted);
    assertEquals(counted[0], 0);
    assert(counted[1]! > 300 * 172 * 4);
    assert(counting.memory.largestBytes < counted[1]!);
  },
);

await gpuTest("counting() keeps to its budget", (device) => {
  using counting = Device.counting(device, 1000);
  assertThrows(() => counting.allocate([300]), BudgetError);
  return Promise.resolve();
});

await gpuTest(
  "startProfile() times every launch until it is asked, and the copies between them",
  async (device) => {
    // so few workgroups a launch that a submission holds as many launches as it ever does
    const x = device.upload(new Float32Array(1024).fill(1), [1024]);
    const end = device.startProfile();
    device.zeros([4096]);
    for (let i = 0; i < 250; i++) add(device, x, x);
    device.zeros([4096]);
    const times = await end();
    const launches = Object.fromEntries(
      times.map(({ name, launches }) => [name, launches]),
    );
    assertEquals(launches, { add: 250, copies: 2 });
    assert(times.every(({ seconds }) => seconds > 0));
    add(device, x, x);
    assertEquals((await device.read(x))[0], 1);
  },
);
