/** The likeliest column of each row: ties, signs, and rows without an answer. */
import { assertEquals } from "@std/assert";
import {
  likeliestColumns,
  NO_COLUMN,
} from "../../../kernels/vocabulary/likeliest.ts";
import { likeliest } from "../../../src/generation/sampler.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { seeded } from "../numbers.ts";

for (const [rows, cols] of [[1, 1], [3, 7], [2, 257], [2, 9000]] as const) {
  await gpuTest(
    `likeliestColumns() equals likeliest() at [${rows}, ${cols}]`,
    async (device) => {
      const x = seeded(rows * cols, rows + cols);
      // a tie: the first of equal ones wins
      x[cols - 1] = x[cols >> 1] = 2;
      const ids = likeliestColumns(device, device.upload(x, [rows, cols]));
      const want = Array.from(
        { length: rows },
        (_, r) => likeliest(x.subarray(r * cols, (r + 1) * cols)),
      );
      const got = new Uint32Array(await device.readBytes(ids));
      assertEquals([...got], want);
    },
  );
}

await gpuTest(
  "likeliestColumns() takes 0 and -0 for equal and tells rows without an answer",
  async (device) => {
    const [none, most] = [-Infinity, Infinity];
    const x = Float32Array.of(
      ...[-0, 0, -3],
      ...[-3, -2, -2],
      ...[1, NaN, 2],
      ...[none, none, none],
      ...[none, -1e38, none],
      ...[1, most, 2],
    );
    const ids = likeliestColumns(device, device.upload(x, [6, 3]));
    const got = new Uint32Array(await device.readBytes(ids));
    assertEquals([...got], [0, 1, NO_COLUMN, NO_COLUMN, 1, NO_COLUMN]);
  },
);
