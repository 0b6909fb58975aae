import { assert, assertEquals, assertThrows } from "@std/assert";
import { muon } from "../../../kernels/optimizers/muon.ts";
import { symmetricEigen } from "../../../src/base/symmetric_eigen.ts";
import { muonReference } from "../../reference/muon.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded } from "../numbers.ts";
import { clipOf, STEPS } from "../optimizer_case.ts";

const NUMBERS = {
  learningRate: 1e-2,
  momentum: 0.95,
  nesterov: true,
  steps: 5,
  weightDecay: 0.1,
};
const SCALE = 0.25;

const BOTH = ["cpu", "gpu"] as const;
const CASES = [
  [1, 1, true],
  [7, 5, true, BOTH],
  [5, 7, false, BOTH],
  [33, 65, true],
  [65, 33, true],
  [40, 40, false],
  [1, 257, true],
  [257, 1, true],
] as const;

for (const [rows, cols, nesterov, kinds = ["cpu"] as const] of CASES) {
  await gpuTest(
    `muon() follows its twin for ${STEPS} steps on ${rows} x ${cols}${
      nesterov ? "" : ", without Nesterov's momentum"
    }`,
    async (device) => {
      const numbers = { ...NUMBERS, nesterov };
      const data = seeded(rows * cols, 1);
      const weight = device.upload(data, [rows, cols]);
      const m = device.zeros([rows, cols]);
      const twin = Float64Array.from(data);
      const twinM = new Float64Array(rows * cols);
      for (let step = 1; step <= STEPS; step++) {
        const gradient = seeded(rows * cols, 10 + step, 0.3);
        muon(
          device,
          { weight, gradient: device.upload(gradient, [rows, cols]), m },
          { ...numbers, clip: clipOf(device, SCALE) },
        );
        muonReference(twin, gradient, twinM, {
          ...numbers,
          rows,
          cols,
          gradientScale: SCALE,
        });
      }
      // small singular values grow by up to 3.4 a step, and their rounding errors with them
      assertClose(await device.read(weight), twin, 2e-5, "weight");
      assertClose(await device.read(m), twinM, 2e-6, "m");
    },
    { kinds },
  );
}

await gpuTest(
  "muon() moves a matrix by one whose singular values are near 1",
  async (device) => {
    const [rows, cols] = [12, 30];
    const weight = device.zeros([rows, cols]);
    const gradient = device.upload(seeded(rows * cols, 3), [rows, cols]);
    muon(device, { weight, gradient, m: device.zeros([rows, cols]) }, {
      ...NUMBERS,
      learningRate: 1,
      clip: clipOf(device, 1),
    });
    const moved = (await device.read(weight))
      .map((x) => x / (0.2 * Math.sqrt(cols)));
    const gram = Float64Array.from({ length: rows * rows }, (_, i) => {
      const [r, c] = [Math.floor(i / rows), i % rows];
      let sum = 0;
      for (let k = 0; k < cols; k++) {
        sum += moved[r * cols + k]! * moved[c * cols + k]!;
      }
      return sum;
    });
    for (const value of symmetricEigen(gram, rows).values) {
      assert(value > 0.6 ** 2 && value < 1.3 ** 2, `${Math.sqrt(value)}`);
    }
  },
  { kinds: ["cpu"] },
);

await gpuTest(
  "muon() changes nothing where the clip says so, and refuses other shapes",
  async (device) => {
    const data = seeded(12, 1);
    const weight = device.upload(data, [3, 4]);
    const m = device.zeros([3, 4]);
    const step = { ...NUMBERS, clip: clipOf(device, -1) };
    muon(device, { weight, gradient: weight, m }, step);
    assertEquals(await device.read(weight), data);
    assertEquals(await device.read(m), new Float32Array(12));
    assertThrows(
      () => muon(device, { weight, gradient: device.zeros([4, 3]), m }, step),
      TypeError,
      "gradient",
    );
  },
);
