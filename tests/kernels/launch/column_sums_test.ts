import { assertEquals, assertThrows } from "@std/assert";
import { columnSums } from "../../../kernels/launch/column_sums.ts";
import { columnSumsTwin } from "../../reference/column_sums.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded } from "../numbers.ts";

for (
  const [rows = 0, cols = 0] of [[1, 1], [7, 33], [33, 7], [257, 64], [
    1500,
    20,
  ]]
) {
  await gpuTest(`columnSums() is its twin at [${rows}, ${cols}]`, async (
    device,
  ) => {
    const x = seeded(rows * cols, 1);
    const y = columnSums(device, device.upload(x, [rows, cols]));
    const want = columnSumsTwin(x, cols);
    assertClose(await device.read(y), want, rows * 2 ** -24);
  });
}

for (const [rows = 0, cols = 0] of [[7, 33], [257, 64]]) {
  await gpuTest(
    `columnSums() of squares is its twin's of squared numbers at [${rows}, ${cols}]`,
    async (device) => {
      const x = seeded(rows * cols, 4);
      const given = device.upload(x, [rows, cols]);
      const y = columnSums(device, given, { squares: true });
      const want = columnSumsTwin(Float64Array.from(x, (v) => v * v), cols);
      assertClose(await device.read(y), want, rows * 2 ** -24);
    },
  );
}

await gpuTest("columnSums() adds to a tensor", async (device) => {
  const x = seeded(70 * 5, 2);
  const before = seeded(5, 3);
  const into = device.upload(before, [5]);
  assertEquals(columnSums(device, device.upload(x, [70, 5]), { into }), into);
  const want = columnSumsTwin(x, 5).map((v, c) => v + before[c]!);
  assertClose(await device.read(into), want, 70 * 2 ** -24);
});

await gpuTest("columnSums() of no rows is 0, and names a wrong shape", async (
  device,
) => {
  const none = device.allocate([0, 3]);
  const sums = await device.read(columnSums(device, none));
  assertEquals(sums, new Float32Array(3));
  assertThrows(
    () => columnSums(device, none, { into: device.zeros([4]) }),
    TypeError,
    '"into": shape [4], expected [3]',
  );
});
