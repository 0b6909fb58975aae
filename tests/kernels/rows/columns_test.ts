import { assertEquals, assertThrows } from "@std/assert";
import { addColumns, takeColumns } from "../../../kernels/rows/columns.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { seeded } from "../numbers.ts";

/** Rows, columns, the first taken and how many; four at a time where all are multiples of 4. */
const CASES = [[1, 7, 2, 3], [33, 12, 4, 8], [257, 5, 0, 1], [
  7,
  96,
  64,
  32,
]] as const;

for (const [rows, wide, first, count] of CASES) {
  await gpuTest(
    `takeColumns() and addColumns() agree for ${count} of ${wide} columns`,
    async (device) => {
      const x = seeded(rows * wide, 1);
      const y = takeColumns(
        device,
        device.upload(x, [rows, wide]),
        first,
        count,
      );
      const taken = Float32Array.from({ length: rows * count }, (_, i) => {
        const row = Math.floor(i / count);
        return x[row * wide + first + i % count]!;
      });
      assertEquals(await device.read(y), taken);
      const target = device.upload(x, [rows, wide]);
      addColumns(device, target, y, first);
      const isTaken = (i: number) =>
        i % wide >= first && i % wide < first + count;
      assertEquals(
        await device.read(target),
        x.map((value, i) => isTaken(i) ? value * 2 : value),
      );
    },
  );
}

await gpuTest("takeColumns() refuses columns that are not there", (device) => {
  const x = device.zeros([2, 4]);
  assertThrows(
    () => takeColumns(device, x, 2, 3),
    RangeError,
    "the tensor has 4",
  );
  return Promise.resolve();
});
