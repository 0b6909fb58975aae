import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { adamw } from "../../kernels/adamw.ts";
import type { Device } from "../../kernels/device.ts";
import { rmsprop } from "../../kernels/rmsprop.ts";
import { sgd } from "../../kernels/sgd.ts";
import type { Tensor } from "../../kernels/tensor.ts";
import {
  adamwReference,
  rmspropReference,
  sgdReference,
} from "../reference/optimizers.ts";
import { gpuTest } from "./gpu_test_case.ts";
import { assertClose, seeded } from "./numbers.ts";

const STEPS = 3;
/** A few roundings per step. */
const TOLERANCE = 2e-6;

/** A weight with its zeroed state on the device and the same numbers in float64. */
function start(device: Device, count: number) {
  const data = seeded(count, count);
  const weight = device.upload(data, [count]);
  const states = [device.zeros([count]), device.zeros([count])] as const;
  const twin = Float64Array.from(data);
  const twinStates = [new Float64Array(count), new Float64Array(count)];
  return { weight, states, twin, twinStates };
}

/** What `gradientClip()` leaves for the updates. */
function clipOf(device: Device, factor: number): Tensor {
  return device.upload(Float32Array.of(1, factor), [2]);
}

/** Calls `step` with a new gradient, on the device and as numbers, from step 1 on. */
function takeSteps(
  device: Device,
  count: number,
  step: (gradient: Tensor, numbers: Float32Array, number: number) => void,
): void {
  for (let number = 1; number <= STEPS; number++) {
    const numbers = seeded(count, 100 * count + number, 0.3);
    step(device.upload(numbers, [count]), numbers, number);
  }
}

const ADAMW = {
  learningRate: 1e-2,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0.1,
  gradientScale: 0.25,
};

for (const count of [1, 7, 33, 257, 10_001]) {
  await gpuTest(
    `adamw() follows its twin for ${STEPS} steps on ${count} weights`,
    async (device) => {
      const { weight, states: [m, v], twin, twinStates } = start(device, count);
      takeSteps(device, count, (gradient, numbers, step) => {
        adamw(device, { weight, gradient, m, v }, {
          ...{ ...ADAMW, step, clip: clipOf(device, 0.25) },
        });
        const [twinM, twinV] = twinStates;
        adamwReference(twin, numbers, twinM!, twinV!, { ...ADAMW, step });
      });
      assertClose(await device.read(weight), twin, TOLERANCE, "weight");
      assertClose(await device.read(m), twinStates[0]!, TOLERANCE, "m");
      assertClose(await device.read(v), twinStates[1]!, TOLERANCE, "v");
    },
    { variants: ["tile"] },
  );
}

await gpuTest(
  "adamw() updates a tensor above the binding window as a whole",
  async (device) => {
    const shape = [500, 5]; // 2,500 weights in windows of 1,024
    const data = seeded(2500, 1);
    const weight = device.upload(data, shape);
    const gradient = device.upload(data, shape);
    const [m, v] = [device.zeros(shape), device.zeros(shape)];
    adamw(device, { weight, gradient, m, v }, {
      ...{ ...ADAMW, step: 1, clip: clipOf(device, 0.25) },
    });
    const twin = Float64Array.from(data);
    const zeros = () => new Float64Array(2500);
    adamwReference(twin, data, zeros(), zeros(), { ...ADAMW, step: 1 });
    assertClose(await device.read(weight), twin, TOLERANCE);
  },
  { variants: ["tile"], windowBytes: 4096 },
);

await gpuTest(
  "adamw() moves by the learning rate at the first step, whatever the gradient's size",
  async (device) => {
    // m / (1 - beta1) = g and sqrt(v / (1 - beta2)) = |g|: the quotient is the gradient's sign
    const weight = device.zeros([3]);
    const gradient = device.upload(Float32Array.of(1e-3, -5, 20), [3]);
    const [m, v] = [device.zeros([3]), device.zeros([3])];
    adamw(device, { weight, gradient, m, v }, {
      ...{ ...ADAMW, step: 1, clip: clipOf(device, 0.25) },
    });
    const moved = await device.read(weight);
    for (const [i, want] of [-0.01, 0.01, -0.01].entries()) {
      assertAlmostEquals(moved[i]!, want, 1e-6);
    }
  },
  { variants: ["tile"] },
);

await gpuTest("adamw() names a tensor of another shape or dtype", (device) => {
  const [weight, m, v] = [1, 2, 3].map(() => device.zeros([4]));
  const tensors = { weight: weight!, m: m!, v: v! };
  const options = { ...ADAMW, step: 1, clip: clipOf(device, 0.25) };
  assertThrows(
    () => adamw(device, { ...tensors, gradient: device.zeros([5]) }, options),
    TypeError,
    'tensor "gradient": shape [5], expected [4]',
  );
  assertThrows(
    () =>
      adamw(
        device,
        { ...tensors, gradient: device.zeros([4], "bf16") },
        options,
      ),
    TypeError,
    'tensor "gradient" is bf16, expected f32',
  );
  assertThrows(
    () => adamw(device, { ...tensors, gradient: v! }, { ...options, step: 0 }),
    RangeError,
    "step is 0",
  );
  return Promise.resolve();
}, { variants: ["tile"] });

for (const count of [1, 257]) {
  await gpuTest(
    `rmsprop() follows its twin for ${STEPS} steps on ${count} weights`,
    async (device) => {
      const options = {
        learningRate: 1e-2,
        alpha: 0.99,
        eps: 1e-8,
        weightDecay: 0.1,
        gradientScale: 0.5,
      };
      const { weight, states: [v], twin, twinStates } = start(device, count);
      takeSteps(device, count, (gradient, numbers) => {
        const clip = clipOf(device, options.gradientScale);
        rmsprop(device, { weight, gradient, v }, { ...options, clip });
        rmspropReference(twin, numbers, twinStates[0]!, options);
      });
      assertClose(await device.read(weight), twin, TOLERANCE, "weight");
      assertClose(await device.read(v), twinStates[0]!, TOLERANCE, "v");
    },
    { variants: ["tile"] },
  );

  for (const momentum of [0, 0.9]) {
    await gpuTest(
      `sgd() with momentum ${momentum} follows its twin for ${STEPS} steps on ${count} weights`,
      async (device) => {
        const options = {
          learningRate: 0.1,
          momentum,
          weightDecay: 0.1,
          gradientScale: 0.5,
        };
        const { weight, states: [velocity], twin, twinStates } = start(
          device,
          count,
        );
        takeSteps(device, count, (gradient, numbers) => {
          const clip = clipOf(device, options.gradientScale);
          sgd(device, { weight, gradient, velocity }, { ...options, clip });
          sgdReference(twin, numbers, twinStates[0]!, options);
        });
        assertClose(await device.read(weight), twin, TOLERANCE, "weight");
      },
      { variants: ["tile"] },
    );
  }
}

await gpuTest("sgd() with momentum asks for the velocity", (device) => {
  const weight = device.zeros([2]);
  const clip = clipOf(device, 1);
  const options = { learningRate: 1, momentum: 0.9, clip };
  assertThrows(
    () => sgd(device, { weight, gradient: weight }, options),
    TypeError,
    '"velocity" is missing',
  );
  assertEquals(weight.shape, [2]);
  return Promise.resolve();
}, { variants: ["tile"] });

for (const factor of [0.5, -1]) {
  await gpuTest(
    `adamw(), rmsprop() and sgd() ${
      factor < 0 ? "change nothing" : "change all"
    } where clip says ${factor}`,
    async (device) => {
      const clip = clipOf(device, factor);
      const bad = factor < 0 ? NaN : 1;
      const make = (value: number) =>
        device.upload(new Float32Array(8).fill(value), [8]);
      const gradient = make(bad);
      const kept = [1, 2, 3, 4, 5, 6, 7].map(make);
      const [a, m, v, b, square, c, velocity] = kept;
      adamw(device, { weight: a!, gradient, m: m!, v: v! }, {
        ...{ ...ADAMW, step: 1, clip },
      });
      rmsprop(device, { weight: b!, gradient, v: square! }, {
        ...{ learningRate: 1, clip },
      });
      sgd(device, { weight: c!, gradient, velocity: velocity! }, {
        ...{ learningRate: 1, momentum: 0.9, clip },
      });
      const found = await device.readAll(kept);
      for (const [i, values] of found.entries()) {
        assertEquals(values.every((x) => x === i + 1), factor < 0);
      }
    },
    { variants: ["tile"] },
  );
}
