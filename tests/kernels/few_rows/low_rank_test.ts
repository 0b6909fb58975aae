/** The lower half of an adapter, for few tokens and many, with one factor and with one each. */
import { assertThrows } from "@std/assert";
import { lowRank } from "../../../kernels/few_rows/low_rank.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded } from "../numbers.ts";
import { uploadMatrix } from "../upload_matrix.ts";

for (
  const [tokens, cols, rank] of [
    [1, 896, 16],
    [2, 4, 1],
    [4, 172, 7],
    [2, 33, 9],
    [7, 36, 16],
    [0, 8, 4],
  ] as const
) {
  await gpuTest(
    `lowRank() is factor * A x at [${tokens}, ${cols}], rank ${rank}`,
    async (device) => {
      const x = seeded(tokens * cols, 1);
      const a = seeded(rank * cols, 2);
      const matrix = uploadMatrix(device, a, [rank, cols]);
      const tensor = device.upload(x, [tokens, cols]);
      const each = Float32Array.from({ length: tokens }, (_, t) => t % 2 * 3);
      for (const factor of [0.5, each]) {
        const want = Float64Array.from({ length: tokens * rank }, (_, i) => {
          const [t, j] = [Math.floor(i / rank), i % rank];
          let sum = 0;
          for (let k = 0; k < cols; k++) {
            sum += x[t * cols + k]! * a[j * cols + k]!;
          }
          return sum * (typeof factor === "number" ? factor : factor[t]!);
        });
        const given = typeof factor === "number"
          ? factor
          : device.upload(factor, [tokens]);
        const h = lowRank(device, tensor, matrix, given);
        // float32 sums of 896 products
        assertClose(await device.read(h), want, 5e-6);
      }
    },
  );
}

await gpuTest("lowRank() names a shape that does not fit", (device) => {
  const matrix = uploadMatrix(device, seeded(16, 1), [2, 8]);
  assertThrows(
    () => lowRank(device, device.zeros([1, 12]), matrix, 1),
    TypeError,
    "[1, 12]",
  );
  assertThrows(
    () => lowRank(device, device.zeros([2, 8]), matrix, device.zeros([3])),
    TypeError,
    "[3]",
  );
  return Promise.resolve();
});
