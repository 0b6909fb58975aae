import { assertAlmostEquals, assertEquals } from "@std/assert";
import { sumOfSquares } from "../../../kernels/optimizers/sum_of_squares.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { seeded } from "../numbers.ts";

function totalOfBlocks(partials: Float32Array): number {
  return partials.reduce((sum, x) => sum + x, 0);
}

function squares(data: Float32Array): number {
  return data.reduce((sum, x) => sum + x * x, 0);
}

await gpuTest(
  "sumOfSquares() adds up tensors of any sizes in one read",
  async (device) => {
    const sizes = [1, 7, 0, 257, 16_384, 16_385, 100_003];
    const data = sizes.map((count, i) => seeded(count, i + 1));
    const tensors = data.map((x) => device.upload(x, [x.length]));
    const total = totalOfBlocks(
      await device.read(sumOfSquares(device, tensors)),
    );
    const want = data.reduce((sum, x) => sum + squares(x), 0);
    assertAlmostEquals(total / want, 1, 1e-6); // sums of 64 numbers and a tree of 8 levels in f32
  },
  { kinds: ["gpu"] },
);

await gpuTest(
  "sumOfSquares() covers tensors above the binding window",
  async (device) => {
    const data = seeded(100_003, 3);
    const x = device.upload(data, [100_003]);
    const partials = await device.read(sumOfSquares(device, [x, x]));
    assertEquals(partials.length, 2 * 7); // ceil(100,003 / 16,384) = 7 blocks each
    assertAlmostEquals(totalOfBlocks(partials) / (2 * squares(data)), 1, 1e-6);
  },
  { kinds: ["gpu"], windowBytes: 200_000 },
);

await gpuTest(
  "sumOfSquares() is the same to the last bit each time",
  async (device) => {
    const x = device.upload(seeded(50_000, 4), [50_000]);
    const first = await device.read(sumOfSquares(device, [x]));
    assertEquals(await device.read(sumOfSquares(device, [x])), first);
  },
  { kinds: ["gpu"] },
);

for (const bad of [NaN, Infinity, -Infinity, 1e30]) {
  await gpuTest(
    `sumOfSquares() shows that an element is ${bad}`,
    async (device) => {
      const data = seeded(20_000, 5);
      data[17_000] = bad;
      const x = device.upload(data, [20_000]);
      const total = totalOfBlocks(
        await device.read(sumOfSquares(device, [x])),
      );
      assertEquals(Number.isFinite(total), false);
    },
    { kinds: ["gpu"] },
  );
}

await gpuTest("sumOfSquares() of nothing is zero", async (device) => {
  const partials = await device.read(
    sumOfSquares(device, [device.zeros([0, 5])]),
  );
  assertEquals(totalOfBlocks(partials), 0);
}, { kinds: ["gpu"] });
