import { assertEquals, assertThrows } from "@std/assert";
import {
  add,
  addInto,
  fill,
  multiply,
  scale,
} from "../../../kernels/rows/elementwise.ts";
import { rowsView } from "../../../kernels/device/tensor.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { seeded } from "../numbers.ts";

// one operation on f32 is one rounding: the CPU's f32 result must come bit for bit
for (const count of [1, 7, 33, 257, 33 * 172]) {
  await gpuTest(`add(), multiply(), scale() on ${count} numbers`, async (
    device,
  ) => {
    const [x, z] = [seeded(count, 1), seeded(count, 2)];
    const a = device.upload(x, [count]);
    const b = device.upload(z, [count]);
    assertEquals(
      await device.read(add(device, a, b)),
      x.map((v, i) => v + z[i]!),
    );
    assertEquals(
      await device.read(multiply(device, a, b)),
      x.map((v, i) => v * z[i]!),
    );
    assertEquals(await device.read(scale(device, a, 0.5)), x.map((v) => v / 2));
  });

  await gpuTest(`addInto() and fill() on ${count} numbers`, async (device) => {
    const [x, z] = [seeded(count, 3), seeded(count, 4)];
    const target = device.upload(x, [count]);
    addInto(device, target, device.upload(z, [count]), -2);
    assertEquals(await device.read(target), x.map((v, i) => v - 2 * z[i]!));
    fill(device, target, 1.5);
    assertEquals(await device.read(target), new Float32Array(count).fill(1.5));
    fill(device, target, 0);
    assertEquals(await device.read(target), new Float32Array(count));
  });
}

await gpuTest("add() writes into a tensor, its own input too", async (
  device,
) => {
  const a = device.upload(Float32Array.of(1, 2, 3, 4, 5), [5]);
  const b = device.upload(Float32Array.of(10, 20, 30, 40, 50), [5]);
  const c = device.allocate([5]);
  assertEquals(add(device, a, b, { into: c }), c);
  assertEquals([...await device.read(c)], [11, 22, 33, 44, 55]);
  add(device, a, c, { into: c });
  assertEquals([...await device.read(c)], [12, 24, 36, 48, 60]);
  add(device, a, b, { into: a });
  assertEquals([...await device.read(a)], [11, 22, 33, 44, 55]);
});

await gpuTest("fill() and addInto() keep to the rows of a view", async (
  device,
) => {
  const x = device.zeros([70, 3]);
  fill(device, rowsView(x, 64, 3), 2);
  addInto(device, rowsView(x, 64, 3), device.upload(seeded(9, 5), [3, 3]));
  const want = new Float32Array(210);
  want.set(seeded(9, 5).map((v) => v + 2), 192);
  assertEquals(await device.read(x), want);
});

await gpuTest(
  "add(), addInto() and fill() go beyond a binding's limit",
  async (device) => {
    const [x, z] = [seeded(333, 6), seeded(333, 7)];
    const a = device.upload(x, [111, 3]);
    const b = device.upload(z, [111, 3]);
    const y = add(device, a, b);
    assertEquals(await device.read(y), x.map((v, i) => v + z[i]!));
    addInto(device, y, b);
    const sum = x.map((v, i) => v + z[i]!).map((v, i) => v + z[i]!);
    assertEquals(await device.read(y), sum);
    fill(device, y, 7);
    assertEquals(await device.read(y), new Float32Array(333).fill(7));
  },
  { windowBytes: 512 },
);

await gpuTest("elementwise launchers accept nothing, and name shapes", (
  device,
) => {
  const none = device.allocate([0, 4]);
  assertEquals(add(device, none, none).shape, [0, 4]);
  fill(device, none, 1);
  const a = device.zeros([2, 3]);
  assertThrows(
    () => add(device, a, device.zeros([6])),
    TypeError,
    '"b": shape [6], expected [2, 3]',
  );
  return Promise.resolve();
});
