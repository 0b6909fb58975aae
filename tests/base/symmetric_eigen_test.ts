import { assert } from "@std/assert";
import { Random } from "../../src/base/random.ts";
import { symmetricEigen } from "../../src/base/symmetric_eigen.ts";
import { test } from "../test_case.ts";

for (const n of [1, 2, 7, 33]) {
  test(
    `symmetricEigen() finds values and vectors of a matrix of ${n} rows`,
    { permissions: "none", sanitizeOps: true, sanitizeResources: true },
    () => {
      const random = new Random(n);
      const half = Float64Array.from({ length: n * n }, () => random.normal());
      const matrix = half.map((x, i) =>
        x + half[i % n * n + Math.floor(i / n)]!
      );
      const { values, vectors } = symmetricEigen(matrix, n);
      for (let k = 0; k < n; k++) {
        const v = vectors.subarray(k * n, (k + 1) * n);
        if (k > 0) assert(values[k]! <= values[k - 1]!);
        assert(Math.abs(Math.hypot(...v) - 1) < 1e-12);
        for (let row = 0; row < n; row++) {
          const sum = v.reduce((s, x, i) => s + matrix[row * n + i]! * x, 0);
          assert(
            Math.abs(sum - values[k]! * v[row]!) < 1e-10 * n,
            `${k} ${row}`,
          );
        }
      }
    },
  );
}
