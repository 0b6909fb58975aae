import { assertEquals, assertThrows } from "@std/assert";
import {
  route,
  routeBackward,
  sortChoices,
} from "../../../kernels/experts/route.ts";
import { centralDifferences } from "../../reference/central_differences.ts";
import {
  routeBackwardTwin,
  routeTwin,
  sortTwin,
} from "../../reference/experts.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded } from "../numbers.ts";
import { test } from "../../test_case.ts";

const CASES = [
  { tokens: 1, experts: 1, k: 1 },
  { tokens: 7, experts: 5, k: 5 },
  { tokens: 33, experts: 8, k: 2 },
  { tokens: 257, experts: 128, k: 8 },
];

const words = (bytes: ArrayBuffer) => [...new Uint32Array(bytes)];

for (const { tokens, experts, k } of CASES) {
  for (const normalize of [false, true]) {
    const name = `${k} of ${experts} experts for ${tokens} tokens${
      normalize ? ", gates of sum 1" : ""
    }`;
    await gpuTest(`route() and its backward choose ${name}`, async (device) => {
      const options = { experts, k, normalize };
      const values = seeded(tokens * experts, 1, 4);
      // of equals the first is taken
      values.copyWithin(experts - 1, 0, 1);
      const logits = device.upload(values, [tokens, experts]);
      const choices = route(device, logits, { k, normalize });
      const want = routeTwin(values, options);
      assertEquals(words(await device.readBytes(choices.chosen)), want.chosen);
      assertClose(await device.read(choices.gates), want.gates, 1e-6);
      const dy = seeded(tokens * k, 2);
      const dgates = device.upload(dy, [tokens, k]);
      const dx = routeBackward(device, logits, choices, dgates, {
        k,
        normalize,
      });
      const dWant = routeBackwardTwin(values, dy, options);
      assertClose(await device.read(dx), dWant, 2e-6, "dlogits");
      const slots = sortChoices(device, choices.chosen, experts);
      const sorted = sortTwin(want.chosen, options);
      assertEquals(words(await device.readBytes(slots.starts)), sorted.starts);
      assertEquals(words(await device.readBytes(slots.tokens)), sorted.tokens);
      assertEquals(words(await device.readBytes(slots.slots)), sorted.slots);
    });
  }
}

await gpuTest("route() refuses more choices than experts", (device) => {
  const logits = device.zeros([1, 2]);
  assertThrows(
    () => route(device, logits, { k: 3, normalize: false }),
    RangeError,
    "Cannot choose 3 experts: there are 2, expected 1 to 2",
  );
  return Promise.resolve();
});

test("routeBackwardTwin() is the slope of routeTwin()", {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
}, () => {
  for (const normalize of [false, true]) {
    const options = { experts: 5, k: 2, normalize };
    const logits = Float64Array.from(seeded(15, 3, 2));
    const dy = seeded(6, 4);
    const slopes = centralDifferences(
      (x) => routeTwin(x, options).gates,
      logits,
      dy,
    );
    assertClose(routeBackwardTwin(logits, dy, options), slopes, 1e-8);
  }
});
