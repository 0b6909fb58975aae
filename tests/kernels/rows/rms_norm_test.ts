import { assertEquals, assertThrows } from "@std/assert";
import { rmsNorm, rmsNormBackward } from "../../../kernels/rows/rms_norm.ts";
import { centralDifferences } from "../../reference/central_differences.ts";
import { rmsNormBackwardTwin, rmsNormTwin } from "../../reference/rms_norm.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded } from "../numbers.ts";
import { test } from "../../test_case.ts";

const EPS = 2 ** -24;
const SHAPES = [[1, 1], [7, 33], [33, 7], [257, 64], [65, 172], [9, 896]];

for (const [rows = 0, cols = 0] of SHAPES) {
  const offset = rows % 2 === 0 ? 0 : 1;
  const x = seeded(rows * cols, 1);
  const weight = seeded(cols, 2);
  const dy = seeded(rows * cols, 3);
  // one column with a small eps has slope 0: nothing but the rounding of terms that cancel
  const eps = cols === 1 ? 0.1 : 1e-6;
  const input = { x, weight, eps, offset };
  // sums of `n` products in any order are off by at most about n roundings
  const tolerance = (n: number) => (16 + n) * EPS;

  await gpuTest(
    `rmsNorm() is its twin at [${rows}, ${cols}], offset ${offset}`,
    async (device) => {
      const { y, rstd } = rmsNorm(
        device,
        device.upload(x, [rows, cols]),
        device.upload(weight, [cols]),
        { eps, offset },
      );
      const want = rmsNormTwin(input);
      assertClose(await device.read(y), want.y, tolerance(cols), "y");
      assertClose(await device.read(rstd), want.rstd, tolerance(cols), "rstd");
    },
  );

  await gpuTest(
    `rmsNormBackward() is its twin at [${rows}, ${cols}], offset ${offset}`,
    async (device) => {
      const saved = {
        x: device.upload(x, [rows, cols]),
        weight: device.upload(weight, [cols]),
      };
      const { rstd } = rmsNorm(device, saved.x, saved.weight, {
        eps,
        offset,
      });
      const { dx, dWeight } = rmsNormBackward(
        device,
        { ...saved, rstd },
        device.upload(dy, [rows, cols]),
        { offset, weightGradient: true },
      );
      const want = rmsNormBackwardTwin(input, dy);
      assertClose(
        await device.read(dx),
        want.dx,
        tolerance(2 * cols),
        "dx",
      );
      assertClose(
        await device.read(dWeight!),
        want.dWeight,
        tolerance(rows + cols),
        "dWeight",
      );
    },
  );
}

await gpuTest(
  "rmsNormBackward() adds to a tensor and leaves out the weight",
  async (device) => {
    const x = seeded(5 * 12, 4);
    const dy = seeded(5 * 12, 5);
    const weight = seeded(12, 6);
    const into = device.upload(seeded(5 * 12, 7), [5, 12]);
    const saved = {
      x: device.upload(x, [5, 12]),
      weight: device.upload(weight, [12]),
    };
    const { rstd } = rmsNorm(device, saved.x, saved.weight, { eps: 1e-5 });
    const result = rmsNormBackward(
      device,
      { ...saved, rstd },
      device.upload(dy, [5, 12]),
      { weightGradient: false, into },
    );
    const want = rmsNormBackwardTwin({ x, weight, eps: 1e-5, offset: 0 }, dy);
    const before = seeded(5 * 12, 7);
    assertEquals(Object.keys(result), ["dx"]);
    assertEquals(result.dx, into);
    assertClose(
      await device.read(into),
      want.dx.map((v, i) => v + before[i]!),
      64 * EPS,
    );
  },
);

await gpuTest("rmsNorm() accepts no rows, and names a wrong weight", async (
  device,
) => {
  const x = device.allocate([0, 8]);
  const weight = device.zeros([8]);
  const { y, rstd } = rmsNorm(device, x, weight, { eps: 1e-6 });
  const saved = { x, weight, rstd };
  const { dx, dWeight } = rmsNormBackward(device, saved, y, {
    weightGradient: true,
  });
  assertEquals([y.shape, dx.shape], [[0, 8], [0, 8]]);
  assertEquals(await device.read(dWeight!), new Float32Array(8));
  assertThrows(
    () => rmsNorm(device, x, device.zeros([7]), { eps: 1e-6 }),
    TypeError,
    '"weight": shape [7], expected [8]',
  );
});

test({
  name: "rmsNormBackwardTwin() agrees with central differences",
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
  fn() {
    const x = Float64Array.from(seeded(3 * 5, 8));
    const weight = Float64Array.from(seeded(5, 9));
    const dy = seeded(3 * 5, 10);
    const options = { eps: 1e-2, offset: 1 };
    const got = rmsNormBackwardTwin({ x, weight, ...options }, dy);
    const dx = centralDifferences(
      (x) => rmsNormTwin({ x, weight, ...options }).y,
      x,
      dy,
    );
    const dWeight = centralDifferences(
      (weight) => rmsNormTwin({ x, weight, ...options }).y,
      weight,
      dy,
    );
    assertClose(got.dx, dx, 1e-8);
    assertClose(got.dWeight, dWeight, 1e-8);
  },
});
