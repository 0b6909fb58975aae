import { assertAlmostEquals } from "@std/assert";
import {
  addBalanceGradient,
  addBalanceSums,
} from "../../../kernels/experts/balance.ts";
import { route } from "../../../kernels/experts/route.ts";
import { softmax } from "../../../kernels/vocabulary/softmax.ts";
import { balanceTwin } from "../../reference/balance.ts";
import { centralDifferences } from "../../reference/central_differences.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded } from "../numbers.ts";

const CASES = [
  { tokens: 1, experts: 1, k: 1 },
  { tokens: 7, experts: 5, k: 3 },
  { tokens: 70, experts: 9, k: 2 },
  { tokens: 33, experts: 130, k: 8 },
];

for (const { tokens, experts, k } of CASES) {
  await gpuTest(
    `the loss that balances ${experts} experts and its gradient, ${k} for each of ${tokens} tokens in two layers`,
    async (device) => {
      // weights of a prompt shared by two answers, of a token, and of none
      const counts = Array.from({ length: tokens }, (_, t) => (t + 2) % 3);
      const layers = [3, 4].map((seed) => seeded(tokens * experts, seed, 3));
      const weights = device.upload(Float32Array.from(counts), [tokens]);
      const sums = device.zeros([2, experts]);
      const routed = layers.map((values) => {
        const logits = device.upload(values, [tokens, experts]);
        const { chosen } = route(device, logits, { k, normalize: false });
        const probabilities = softmax(device, logits);
        addBalanceSums(device, { probabilities, weights }, chosen, sums);
        return { values, chosen, probabilities };
      });
      const twins = await Promise.all(routed.map(async (layer) => ({
        logits: layer.values,
        chosen: new Uint32Array(await device.readBytes(layer.chosen)),
      })));
      const all = 2 * counts.reduce((sum, count) => sum + count, 0);
      const read = await device.read(sums);
      const got = read.subarray(0, experts).reduce(
        (sum, times, e) =>
          sum + experts * times / all * read[experts + e]! / all,
        0,
      );
      assertAlmostEquals(got, balanceTwin(twins, counts, experts), 1e-5);

      const before = seeded(tokens * experts, 9);
      const dlogits = device.upload(before, [tokens, experts]);
      const factor = 100 * experts / all ** 2;
      addBalanceGradient(
        device,
        { probabilities: routed[0]!.probabilities, weights },
        { sums, factor },
        dlogits,
      );
      const slopes = centralDifferences(
        (x) =>
          Float64Array.of(
            balanceTwin(
              [{ ...twins[0]!, logits: x }, twins[1]!],
              counts,
              experts,
            ),
          ),
        Float64Array.from(layers[0]!),
        [100],
      );
      const want = slopes.map((slope, i) => slope + before[i]!);
      assertClose(await device.read(dlogits), want, 1e-4);
    },
  );
}
