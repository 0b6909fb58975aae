/** Activations of a feed-forward block without a gate: one of the gate's, and xIELU. */
import { assertThrows } from "@std/assert";
import {
  activate,
  activateBackward,
} from "../../../kernels/activations/activate.ts";
import {
  type Activation,
  ACTIVATIONS,
} from "../../../kernels/rows/gated_unit.ts";
import { xielu, xieluBackward } from "../../../kernels/activations/xielu.ts";
import { centralDifferences } from "../../reference/central_differences.ts";
import {
  activate as activateTwin,
  activationSlope,
} from "../../reference/gated_unit.ts";
import { xieluBackwardTwin, xieluTwin } from "../../reference/xielu.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded } from "../numbers.ts";
import { test } from "../../test_case.ts";

/** About ten roundings, and the few of exp, whose bound grows with its argument. */
const TOLERANCE = 64 * 2 ** -24;
const SHAPES = [[1, 1], [7, 33], [257, 4]];

for (const activation of Object.keys(ACTIVATIONS) as Activation[]) {
  await gpuTest(
    `activate() and its backward are their twins, ${activation}`,
    async (device) => {
      for (const shape of SHAPES) {
        const count = shape[0]! * shape[1]!;
        const [x, dy] = [seeded(count, 1, 6), seeded(count, 3)];
        const given = device.upload(x, shape);
        const slopes = device.upload(dy, shape);
        const y = activate(device, given, activation);
        const dx = activateBackward(device, given, slopes, activation);
        assertClose(
          await device.read(y),
          Float64Array.from(x, (v) => activateTwin(v, activation)),
          TOLERANCE,
          "y",
        );
        const want = Float64Array.from(
          x,
          (v, i) => dy[i]! * activationSlope(v, activation),
        );
        assertClose(await device.read(dx), want, TOLERANCE, "dx");
      }
    },
  );
}

const NUMBERS = { alpha_p: 0.3, alpha_n: -0.7, beta: 0.6, eps: -1e-6 };

await gpuTest("xielu() and its backward are their twins", async (device) => {
  const one = (value: number) => device.upload(Float32Array.of(value), [1]);
  const numbers = {
    alpha_p: one(NUMBERS.alpha_p),
    alpha_n: one(NUMBERS.alpha_n),
    beta: device.upload(Float32Array.of(NUMBERS.beta), []),
    eps: device.upload(Float32Array.of(NUMBERS.eps), []),
  };
  const exact = { ...NUMBERS, beta: Math.fround(0.6), eps: Math.fround(-1e-6) };
  for (const shape of [...SHAPES, [3, 4096]]) {
    const count = shape[0]! * shape[1]!;
    const x = seeded(count, 1, 4);
    // values around 0, at eps and far out
    x.set([0, -5e-7, -2e-6, -30].slice(0, count));
    const dy = seeded(count, 3);
    const given = device.upload(x, shape);
    const y = xielu(device, given, numbers);
    const { dx, dAlphas } = xieluBackward(
      device,
      given,
      numbers,
      device.upload(dy, shape),
    );
    assertClose(await device.read(y), xieluTwin(x, exact), 2 * TOLERANCE, "y");
    const want = xieluBackwardTwin(x, exact, dy);
    assertClose(await device.read(dx), want.dx, 2 * TOLERANCE, "dx");
    const size = Math.max(1, ...want.dAlphas.map(Math.abs));
    assertClose(
      await device.read(dAlphas),
      want.dAlphas,
      size * TOLERANCE,
      "dAlphas",
    );
  }
});

await gpuTest(
  "activate() and xielu() take nothing, and name a wrong shape",
  (device) => {
    const none = device.allocate([0, 4]);
    const one = device.zeros([1]);
    const numbers = { alpha_p: one, alpha_n: one, beta: one, eps: one };
    activate(device, none, "gelu");
    xieluBackward(device, xielu(device, none, numbers), numbers, none);
    const said = '"dy": shape [4], expected [0, 4]';
    const dy = device.zeros([4]);
    assertThrows(
      () => activateBackward(device, none, dy, "silu"),
      TypeError,
      said,
    );
    assertThrows(
      () => xieluBackward(device, none, numbers, dy),
      TypeError,
      said,
    );
    return Promise.resolve();
  },
);

test({
  name: "xieluBackwardTwin() agrees with central differences",
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
  fn() {
    const x = Float64Array.from(seeded(20, 4, 4));
    const dy = seeded(20, 6);
    const got = xieluBackwardTwin(x, NUMBERS, dy);
    assertClose(
      got.dx,
      centralDifferences((x) => xieluTwin(x, NUMBERS), x, dy),
      1e-8,
    );
    const dAlphas = centralDifferences(
      ([alpha_p, alpha_n]) =>
        xieluTwin(x, { ...NUMBERS, alpha_p: alpha_p!, alpha_n: alpha_n! }),
      Float64Array.of(NUMBERS.alpha_p, NUMBERS.alpha_n),
      dy,
    );
    assertClose(got.dAlphas, dAlphas, 1e-7);
  },
});
