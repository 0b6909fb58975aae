import { assert, assertThrows } from "@std/assert";
import { softmax } from "../../../kernels/vocabulary/softmax.ts";
import * as twin from "../../reference/softmax.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded } from "../numbers.ts";

for (
  const [rows, cols] of [[1, 1], [3, 7], [7, 33], [2, 257], [3, 8197], [
    2,
    5000,
  ]]
) {
  await gpuTest(
    `softmax() gives probabilities for [${rows}, ${cols}]`,
    async (device) => {
      const x = seeded(rows! * cols!, cols!, 30);
      const y = softmax(device, device.upload(x, [rows!, cols!]));
      // exp of a difference of up to 60 whose float32 has an error of 60 * 2^-24, and the driver's
      // own exp
      assertClose(await device.read(y), twin.softmax(x, cols!), 2e-5);
    },
  );
}

await gpuTest("softmax() takes logits that overflow exp()", async (device) => {
  const x = Float32Array.of(1000, 999, -1e30, -3e38, -3e38, -3e38);
  const y = softmax(device, device.upload(x, [2, 3]));
  const third = 1 / 3;
  const e = Math.exp(-1) / (1 + Math.exp(-1));
  assertClose(await device.read(y), [1 - e, e, 0, third, third, third], 1e-5);
});

await gpuTest("softmax() of no rows is empty", async (device) => {
  const y = softmax(device, device.zeros([0, 5]));
  assertClose(await device.read(y), [], 0);
}, { kinds: ["gpu"] });

await gpuTest(
  "softmax() keeps to the error that it states, at three temperatures",
  async (device) => {
    for (const [cols, temperature] of [[300, 0.1], [5000, 1], [40_000, 2]]) {
      const x = seeded(cols!, 8, 14);
      const scale = 1 / temperature!;
      const got = await device.read(
        softmax(device, device.upload(x, [1, cols!]), { scale }),
      );
      const want = twin.softmax(x, cols!, scale);
      const top = want.indexOf(want.reduce((a, b) => Math.max(a, b)));
      for (const [i, p] of want.entries()) {
        if (p < 1e-30) continue; // smaller ones may be flushed to 0
        const ratio = got[i]! / got[top]! / (p / want[top]!);
        // the largest probability shares the row's factor and has an error of its own
        const error = 2 ** -23 * (12 + 4 * Math.log(want[top]! / p));
        assert(
          Math.abs(ratio - 1) <= error,
          `column ${i} of ${cols}: off by ${ratio - 1}, at most ${error}`,
        );
      }
    }
  },
);

await gpuTest("softmax() refuses a scale that is not above 0", (device) => {
  const x = device.zeros([1, 3]);
  for (const scale of [0, -1, NaN, Infinity]) {
    assertThrows(() => softmax(device, x, { scale }), RangeError, "scale");
  }
  return Promise.resolve();
}, { kinds: ["gpu"] });
