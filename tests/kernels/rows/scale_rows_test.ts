import { assertEquals, assertThrows } from "@std/assert";
import { scaleRows } from "../../../kernels/rows/scale_rows.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { seeded } from "../numbers.ts";

for (const [rows, cols] of [[1, 1], [7, 33], [257, 3], [0, 4]] as const) {
  await gpuTest(
    `scaleRows() multiplies each of ${rows} rows of ${cols} by its factor`,
    async (device) => {
      const [x, factors] = [seeded(rows * cols, 1), seeded(rows, 2)];
      const y = scaleRows(
        device,
        device.upload(x, [rows, cols]),
        device.upload(factors, [rows]),
      );
      const want = x.map((value, i) => value * factors[Math.floor(i / cols)]!);
      assertEquals(y.shape, [rows, cols]);
      if (rows > 0) assertEquals(await device.read(y), want);
    },
    { kinds: ["gpu"] },
  );
}

await gpuTest("scaleRows() names factors that do not fit", (device) => {
  assertThrows(
    () => scaleRows(device, device.zeros([3, 2]), device.zeros([2])),
    TypeError,
    'tensor "factors": shape [2], expected [3]',
  );
  return Promise.resolve();
}, { kinds: ["gpu"] });
