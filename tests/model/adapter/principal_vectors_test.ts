import { assert } from "@std/assert";
import { createMatrix, packMatrix } from "../../../kernels/matrix/matrix.ts";
import { Random } from "../../../src/base/random.ts";
import { principalVectors } from "../../../src/model/adapter/principal_vectors.ts";
import { gpuTest } from "../../kernels/gpu_test_case.ts";
import { assertClose } from "../../kernels/numbers.ts";

/**
 * Unit vectors `2 / n`-periodic, at right angles by construction: rows of a discrete cosine
 * transform.
 */
function cosines(n: number, k: number): Float64Array {
  const scale = Math.sqrt((k === 0 ? 1 : 2) / n);
  return Float64Array.from(
    { length: n },
    (_, i) => scale * Math.cos(Math.PI * (i + 0.5) * k / n),
  );
}

for (
  const [rows, cols, rank] of [[33, 20, 4], [7, 5, 5], [64, 144, 8]] as const
) {
  await gpuTest(
    `principalVectors() finds the ${rank} largest triplets of [${rows}, ${cols}]`,
    async (device) => {
      const all = Math.min(rows, cols);
      const want = Float64Array.from({ length: all }, (_, k) => 5 * 0.7 ** k);
      const numbers = new Float32Array(rows * cols);
      for (const [k, value] of want.entries()) {
        const [u, v] = [cosines(rows, k), cosines(cols, k)];
        for (let i = 0; i < numbers.length; i++) {
          numbers[i]! += value * u[Math.floor(i / cols)]! * v[i % cols]!;
        }
      }
      const w = createMatrix(device, rows, cols, "f32");
      packMatrix(device, w, device.upload(numbers, [rows, cols]));
      const { values, left, right } = await principalVectors(
        device,
        w,
        rank,
        new Random(1),
      );
      assertClose(values, want.slice(0, rank), 1e-4, "values");
      for (let k = 0; k < rank; k++) {
        const cosine = (found: Float64Array, n: number) =>
          Math.abs(found.reduce((s, x, i) => s + x * cosines(n, k)[i]!, 0));
        assert(cosine(left[k]!, rows) > 1 - 1e-4, `left ${k}`);
        assert(cosine(right[k]!, cols) > 1 - 1e-4, `right ${k}`);
      }
    },
  );
}
