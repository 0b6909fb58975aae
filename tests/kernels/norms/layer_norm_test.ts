import { assertEquals, assertThrows } from "@std/assert";
import {
  layerNorm,
  layerNormBackward,
} from "../../../kernels/norms/layer_norm.ts";
import { centralDifferences } from "../../reference/central_differences.ts";
import {
  layerNormBackwardTwin,
  layerNormTwin,
} from "../../reference/layer_norm.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded } from "../numbers.ts";
import { test } from "../../test_case.ts";

const EPS = 2 ** -24;
/** Rows, columns, and how many weights take turns. */
const SHAPES = [[1, 1, 1], [7, 33, 1], [33, 7, 3], [257, 64, 1], [66, 172, 6], [
  9,
  896,
  1,
]];

for (const [rows = 0, cols = 0, groups = 1] of SHAPES) {
  const x = seeded(rows * cols, 1).map((v) => v + 0.5);
  const weight = seeded(groups * cols, 2);
  const bias = rows % 2 === 0 ? undefined : seeded(groups * cols, 4);
  const dy = seeded(rows * cols, 3);
  // a single column has variance 0
  const eps = cols === 1 ? 0.1 : 1e-5;
  const input = { x, weight, bias, cols, eps };
  const tolerance = (n: number) => (32 + n) * EPS;

  await gpuTest(
    `layerNorm() and its backward are their twins at [${rows}, ${cols}], groups ${groups}, bias ${
      bias !== undefined
    }`,
    async (device) => {
      const given = device.upload(x, [rows, cols]);
      const parts = {
        weight: device.upload(weight, groups === 1 ? [cols] : [groups, cols]),
        bias: bias && device.upload(bias, [groups * cols]),
      };
      const { y, stats } = layerNorm(device, given, { ...parts, eps });
      assertClose(
        await device.read(y),
        layerNormTwin(input),
        tolerance(cols),
        "y",
      );
      const before = seeded(rows * cols, 5);
      const into = device.upload(before, [rows, cols]);
      const slopes = device.upload(dy, [rows, cols]);
      const saved = { x: given, weight: parts.weight, stats };
      const { dx, dWeight, dBias } = layerNormBackward(device, saved, slopes, {
        weightGradient: true,
        biasGradient: true,
      });
      const want = layerNormBackwardTwin(input, dy);
      const size = Math.max(1, ...want.dx.map(Math.abs));
      assertClose(
        await device.read(dx),
        want.dx,
        size * tolerance(2 * cols),
        "dx",
      );
      assertClose(
        await device.read(dWeight!),
        want.dWeight,
        tolerance(2 * rows + cols),
        "dWeight",
      );
      assertClose(
        await device.read(dBias!),
        want.dBias,
        tolerance(rows + cols),
        "dBias",
      );
      const added = layerNormBackward(device, saved, slopes, { into });
      assertEquals(Object.keys(added), ["dx"]);
      assertClose(
        await device.read(into),
        want.dx.map((value, i) => value + before[i]!),
        size * tolerance(2 * cols),
        "into",
      );
    },
  );
}

await gpuTest(
  "layerNorm() accepts no rows, and names a wrong weight",
  (device) => {
    const x = device.allocate([0, 8]);
    const weight = device.zeros([8]);
    const { y, stats } = layerNorm(device, x, { weight, eps: 1e-5 });
    const { dx } = layerNormBackward(device, { x, weight, stats }, y);
    assertEquals([y.shape, dx.shape], [[0, 8], [0, 8]]);
    const two = device.zeros([2, 8]);
    assertThrows(
      () => layerNorm(device, x, { weight: device.zeros([7]), eps: 1e-5 }),
      TypeError,
      '"weight": shape [7], expected [8]',
    );
    assertThrows(
      () => layerNorm(device, two, { weight: device.zeros([24]), eps: 1e-5 }),
      TypeError,
      "2 rows, expected a multiple of the weight's 3 groups",
    );
    return Promise.resolve();
  },
);

test({
  name: "layerNormBackwardTwin() agrees with central differences",
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
  fn() {
    const x = Float64Array.from(seeded(4 * 5, 8));
    const weight = Float64Array.from(seeded(10, 9));
    const bias = Float64Array.from(seeded(10, 11));
    const dy = seeded(4 * 5, 10);
    const rest = { cols: 5, eps: 1e-2 };
    const got = layerNormBackwardTwin({ x, weight, bias, ...rest }, dy);
    const of = (change: object) =>
      layerNormTwin({ x, weight, bias, ...rest, ...change });
    assertClose(got.dx, centralDifferences((x) => of({ x }), x, dy), 1e-8);
    assertClose(
      got.dWeight,
      centralDifferences((weight) => of({ weight }), weight, dy),
      1e-8,
    );
    assertClose(
      got.dBias,
      centralDifferences((bias) => of({ bias }), bias, dy),
      1e-8,
    );
  },
});
