import {
  assert,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { dropout } from "../../../kernels/rows/dropout.ts";
import { rowsView } from "../../../kernels/device/tensor.ts";
import { dropoutTwin } from "../../reference/dropout.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded } from "../numbers.ts";

const OPTIONS = { rate: 0.25, seed: 2 ** 40 + 42, stream: 7 };

for (const count of [1, 7, 33, 257, 5000]) {
  await gpuTest(`dropout() is its twin on ${count} numbers`, async (device) => {
    const x = seeded(count, 1);
    const y = dropout(device, device.upload(x, [count]), OPTIONS);
    assertClose(await device.read(y), dropoutTwin(x, OPTIONS), 2 ** -23);
  });
}

await gpuTest(
  "dropout() drops its rate, and other elements with another stream or seed",
  async (device) => {
    const count = 100_000;
    const ones = device.upload(new Float32Array(count).fill(1), [count]);
    const mask = async (options: typeof OPTIONS) =>
      await device.read(dropout(device, ones, options));
    const masks = [
      await mask(OPTIONS),
      await mask({ ...OPTIONS, stream: 8 }),
      await mask({ ...OPTIONS, seed: 43 }),
    ];
    // standard deviation of a share of 100,000 draws: sqrt(0.25 * 0.75 / 1e5) = 0.0014; bounds are
    // five of them
    for (const [i, first] of masks.entries()) {
      const dropped = first.filter((v) => v === 0).length / count;
      assert(Math.abs(dropped - 0.25) < 0.007, `${dropped} dropped`);
      const second = masks[(i + 1) % 3]!;
      const both = first.filter((v, j) => v === 0 && second[j] === 0).length;
      assert(
        Math.abs(both / count - 0.0625) < 0.004,
        `${both / count} in both`,
      );
      const pairs = first.filter((v, j) =>
        v === 0 && first[j + 1] === 0
      ).length;
      assert(
        Math.abs(pairs / count - 0.0625) < 0.004,
        `${pairs / count} beside`,
      );
    }
  },
);

await gpuTest(
  "dropout() of rate 0 is the identity, and of a view its rows",
  async (device) => {
    const x = device.upload(seeded(70 * 3, 2), [70, 3]);
    const none = dropout(device, x, { ...OPTIONS, rate: 0 });
    assertEquals(await device.read(none), seeded(70 * 3, 2));
    const view = dropout(device, rowsView(x, 64, 3), OPTIONS);
    const rows = seeded(70 * 3, 2).slice(192, 201);
    assertClose(await device.read(view), dropoutTwin(rows, OPTIONS), 2 ** -23);
    assertNotEquals(dropoutTwin(rows, OPTIONS), Float64Array.from(rows));
  },
);

await gpuTest("dropout() refuses a rate of 1 and a broken stream", (device) => {
  const x = device.zeros([4]);
  assertThrows(
    () => dropout(device, x, { ...OPTIONS, rate: 1 }),
    RangeError,
    "rate 1, expected 0 to below 1",
  );
  assertThrows(
    () => dropout(device, x, { ...OPTIONS, stream: -1 }),
    RangeError,
    "stream -1",
  );
  return Promise.resolve();
});
