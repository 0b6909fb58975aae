import { assertEquals, assertThrows } from "@std/assert";
import { scaleColumns } from "../../../kernels/rows/scale_columns.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded } from "../numbers.ts";

for (const [rows, cols] of [[1, 1], [7, 33], [257, 36], [0, 4]] as const) {
  await gpuTest(
    `scaleColumns() is offset + factor times x, and what is added, at [${rows}, ${cols}]`,
    async (device) => {
      const x = seeded(rows * cols, 1);
      const [factors, bias] = [seeded(cols, 2), seeded(cols, 3)];
      const before = seeded(rows * cols, 4);
      const served = Float32Array.from({ length: rows }, (_, t) => t % 2);
      const tensor = device.upload(x, [rows, cols]);
      const f = device.upload(factors, [cols]);
      const plain = scaleColumns(device, tensor, f);
      const into = device.upload(before, [rows, cols]);
      const same = scaleColumns(device, tensor, f, { offset: -1, into });
      const some = scaleColumns(device, tensor, f, {
        rows: device.upload(served, [rows]),
        bias: device.upload(bias, [cols]),
      });
      assertEquals(same, into);
      if (rows === 0) return;
      const want = (of: (x: number, c: number, t: number) => number) =>
        Float64Array.from(x, (v, i) => of(v, i % cols, Math.floor(i / cols)));
      const tolerance = 2 ** -21;
      assertClose(
        await device.read(plain),
        want((v, c) => v * factors[c]!),
        tolerance,
      );
      assertClose(
        await device.read(into),
        want((v, c, t) => before[t * cols + c]! + v * (factors[c]! - 1)),
        tolerance,
      );
      assertClose(
        await device.read(some),
        want((v, c, t) => v * (served[t] ? factors[c]! : 1) + bias[c]!),
        tolerance,
      );
    },
    { windowBytes: 64 * 36 * 4 },
  );
}

await gpuTest("scaleColumns() names factors that do not fit", (device) => {
  assertThrows(
    () => scaleColumns(device, device.zeros([3, 2]), device.zeros([3])),
    TypeError,
    'tensor "factors": shape [3], expected [2]',
  );
  return Promise.resolve();
}, { kinds: ["gpu"] });
