import { softmax } from "../../../kernels/rows/softmax.ts";
import * as twin from "../../reference/softmax.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded } from "../numbers.ts";

for (const [rows, cols] of [[1, 1], [3, 7], [7, 33], [2, 257], [2, 5000]]) {
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
