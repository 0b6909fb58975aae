import { assertThrows } from "@std/assert";
import { rope } from "../../../kernels/attention/rope.ts";
import { centralDifferences } from "../../reference/central_differences.ts";
import { angleTable, ropeTwin } from "../../reference/rope.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded, seededIntegers } from "../numbers.ts";
import { test } from "../../test_case.ts";

const CASES = [
  { tokens: 1, heads: 1, headDim: 2 },
  { tokens: 7, heads: 3, headDim: 8 },
  { tokens: 33, heads: 2, headDim: 6, rotaryDim: 4 },
  { tokens: 9, heads: 2, headDim: 32, rotaryDim: 8 },
  { tokens: 5, heads: 4, headDim: 9, rotaryDim: 8 },
  { tokens: 257, heads: 14, headDim: 64 },
];
/** Two products and a sum. */
const TOLERANCE = 4 * 2 ** -24;

for (const { tokens, ...shape } of CASES) {
  for (const interleaved of [false, true]) {
    for (const inverse of [false, true]) {
      const { heads, headDim, rotaryDim = headDim } = shape;
      const options = { ...shape, interleaved, inverse };
      await gpuTest(
        `rope() is its twin with ${tokens} tokens, ${JSON.stringify(options)}`,
        async (device) => {
          const x = seeded(tokens * heads * headDim, 1);
          const table = angleTable(300, rotaryDim);
          const positions = seededIntegers(tokens, 2, 300);
          const y = rope(
            device,
            device.upload(x, [tokens, heads * headDim]),
            device.upload(table, [300, rotaryDim]),
            device.upload(positions, [tokens], "u32"),
            options,
          );
          const want = ropeTwin(x, table, positions, options);
          assertClose(await device.read(y), want, TOLERANCE);
        },
      );
    }
  }
}

for (const interleaved of [false, true]) {
  test({
    name:
      `ropeTwin() turned back is its own gradient, interleaved ${interleaved}`,
    permissions: "none",
    sanitizeOps: true,
    sanitizeResources: true,
    fn() {
      const options = { heads: 2, headDim: 7, rotaryDim: 4, interleaved };
      const table = angleTable(9, 4);
      const positions = [0, 8, 3];
      const x = Float64Array.from(seeded(3 * 14, 3));
      const dy = seeded(3 * 14, 4);
      const slopes = centralDifferences(
        (x) => ropeTwin(x, table, positions, options),
        x,
        dy,
      );
      const inverse = { ...options, inverse: true };
      assertClose(ropeTwin(dy, table, positions, inverse), slopes, 1e-8);
    },
  });
}

await gpuTest("rope() refuses an odd rotaryDim and a wrong table", (device) => {
  const x = device.zeros([2, 8]);
  const positions = device.zeros([2], "u32");
  const shape = { heads: 2, headDim: 4 };
  assertThrows(
    () => rope(device, x, device.zeros([5, 6]), positions, shape),
    TypeError,
    '"cosSin": shape [5, 6], expected [5, 4]',
  );
  const odd = { ...shape, rotaryDim: 3 };
  assertThrows(
    () => rope(device, x, device.zeros([5, 3]), positions, odd),
    RangeError,
    "3 of 4 dims",
  );
  return Promise.resolve();
});
