/** Drawn tokens beside the probabilities that the device's softmax gives for the same logits. */
import { assert } from "@std/assert";
import { scale } from "../../kernels/rows/elementwise.ts";
import { softmax } from "../../kernels/rows/softmax.ts";
import { createSampler } from "../../src/generation/sampler.ts";
import { gpuTest } from "../kernels/gpu_test_case.ts";
import { seeded } from "../kernels/numbers.ts";

const TOKENS = 33;
const DRAWS = 20_000;

for (const temperature of [0.5, 1, 1.7]) {
  await gpuTest(
    `createSampler() draws by the probabilities of softmax() at temperature ${temperature}`,
    async (device) => {
      const logits = seeded(TOKENS, 5, 3);
      const row = device.upload(logits, [1, TOKENS]);
      const probabilities = await device.read(
        softmax(device, scale(device, row, 1 / temperature)),
      );
      const sampler = createSampler({ temperature, top_k: 0, top_p: 1 }, 11);
      const times = new Uint32Array(TOKENS);
      for (let i = 0; i < DRAWS; i++) times[sampler(logits)]!++;
      for (const [id, p] of probabilities.entries()) {
        const share = times[id]! / DRAWS;
        // four standard deviations of a share
        const slack = 4 * Math.sqrt(p * (1 - p) / DRAWS);
        assert(
          Math.abs(share - p) <= slack,
          `token ${id}: drawn ${share}, expected ${p} within ${slack}`,
        );
      }
    },
  );
}
