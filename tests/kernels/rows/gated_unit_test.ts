import { assertThrows } from "@std/assert";
import {
  type Activation,
  gatedUnit,
  gatedUnitBackward,
} from "../../../kernels/rows/gated_unit.ts";
import { centralDifferences } from "../../reference/central_differences.ts";
import {
  gatedUnitBackwardTwin,
  gatedUnitTwin,
} from "../../reference/gated_unit.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded } from "../numbers.ts";
import { test } from "../../test_case.ts";

const ACTIVATIONS: readonly Activation[] = [
  "silu",
  "gelu_tanh",
  "relu2",
  "sigmoid",
  "gelu",
];
/** About ten roundings, and the few of exp, whose bound grows with its argument. */
const TOLERANCE = 64 * 2 ** -24;

for (const activation of ACTIVATIONS) {
  for (const shape of [[1, 1], [7, 33], [257, 4], [16, 4864]]) {
    const count = shape[0]! * shape[1]!;
    const gate = seeded(count, 1, 6);
    const up = seeded(count, 2);
    const dy = seeded(count, 3);
    await gpuTest(
      `gatedUnit() and its backward are their twins at [${shape}], ${activation}`,
      async (device) => {
        const g = device.upload(gate, shape);
        const u = device.upload(up, shape);
        const y = gatedUnit(device, g, u, activation);
        const slopes = device.upload(dy, shape);
        const { dGate, dUp } = gatedUnitBackward(
          device,
          g,
          u,
          slopes,
          activation,
        );
        const want = gatedUnitBackwardTwin(gate, up, dy, activation);
        const wantY = gatedUnitTwin(gate, up, activation);
        assertClose(await device.read(y), wantY, TOLERANCE, "y");
        assertClose(await device.read(dGate), want.dGate, TOLERANCE, "dGate");
        assertClose(await device.read(dUp), want.dUp, TOLERANCE, "dUp");
      },
    );
  }

  await gpuTest(
    `gatedUnit() stays finite far out, ${activation}`,
    async (device) => {
      const gate = Float32Array.of(-1e4, -200, 200, 1e4);
      const up = Float32Array.of(1, 1, 1, 1);
      const g = device.upload(gate, [4]);
      const u = device.upload(up, [4]);
      const { dGate } = gatedUnitBackward(device, g, u, u, activation);
      const want = gatedUnitBackwardTwin(gate, up, up, activation);
      assertClose(
        await device.read(gatedUnit(device, g, u, activation)),
        gatedUnitTwin(gate, up, activation),
        TOLERANCE,
      );
      assertClose(await device.read(dGate), want.dGate, TOLERANCE);
    },
  );

  test({
    name:
      `gatedUnitBackwardTwin() agrees with central differences, ${activation}`,
    permissions: "none",
    sanitizeOps: true,
    sanitizeResources: true,
    fn() {
      const gate = Float64Array.from(seeded(20, 4, 4));
      const up = Float64Array.from(seeded(20, 5));
      const dy = seeded(20, 6);
      const got = gatedUnitBackwardTwin(gate, up, dy, activation);
      const dGate = centralDifferences(
        (gate) => gatedUnitTwin(gate, up, activation),
        gate,
        dy,
      );
      const dUp = centralDifferences(
        (up) => gatedUnitTwin(gate, up, activation),
        up,
        dy,
      );
      assertClose(got.dGate, dGate, 1e-8);
      assertClose(got.dUp, dUp, 1e-8);
    },
  });
}

await gpuTest("gatedUnit() names both shapes when they differ", (device) => {
  assertThrows(
    () => gatedUnit(device, device.zeros([2, 3]), device.zeros([3, 2]), "silu"),
    TypeError,
    '"up": shape [3, 2], expected [2, 3]',
  );
  return Promise.resolve();
});
