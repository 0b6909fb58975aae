import { assertAlmostEquals, assertEquals } from "@std/assert";
import {
  clippedNorm,
  gradientClip,
} from "../../../kernels/optimizers/gradient_clip.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { seeded } from "../numbers.ts";

for (const most of [0, 0.5, 1e6]) {
  await gpuTest(
    `gradientClip() leaves the norm and the factor for a bound of ${most}`,
    async (device) => {
      const data = [1, 257, 100_003].map((count) => seeded(count, count));
      const clip = device.zeros([2]);
      const gradients = data.map((x) => device.upload(x, [x.length]));
      gradientClip(device, gradients, most, clip);
      const found = await device.read(clip);
      const total = data.flatMap((x) => [...x]).reduce((s, x) => s + x * x, 0);
      const norm = Math.sqrt(total);
      assertAlmostEquals(clippedNorm(found) / norm, 1, 1e-6);
      const factor = most === 0 ? 1 : Math.min(1, most / (norm + 1e-6));
      assertAlmostEquals(found[1]! / factor, 1, 2e-6);
    },
    { kinds: ["gpu"] },
  );
}

for (const bad of [NaN, Infinity, -Infinity, 1e30]) {
  await gpuTest(
    `gradientClip() forbids the step where a gradient is ${bad}`,
    async (device) => {
      const data = seeded(20_000, 5);
      data[17_000] = bad;
      const clip = device.zeros([2]);
      gradientClip(device, [device.upload(data, [20_000])], 1, clip);
      const found = await device.read(clip);
      assertEquals(Number.isFinite(clippedNorm(found)), false);
      assertEquals(found[1], -1);
    },
    { kinds: ["gpu"] },
  );
}
