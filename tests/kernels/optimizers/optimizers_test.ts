import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { adagrad } from "../../../kernels/optimizers/adagrad.ts";
import { adamw } from "../../../kernels/optimizers/adamw.ts";
import { lion } from "../../../kernels/optimizers/lion.ts";
import { rmsprop } from "../../../kernels/optimizers/rmsprop.ts";
import { sgd } from "../../../kernels/optimizers/sgd.ts";
import {
  adagradReference,
  adamwReference,
  lionReference,
  rmspropReference,
  sgdReference,
} from "../../reference/optimizers.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded } from "../numbers.ts";
import { clipOf, start, STEPS, takeSteps } from "../optimizer_case.ts";

/** A few roundings per step. */
const TOLERANCE = 2e-6;

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
          ...ADAMW,
          step,
          clip: clipOf(device, 0.25),
        });
        const [twinM, twinV] = twinStates;
        adamwReference(twin, numbers, twinM!, twinV!, { ...ADAMW, step });
      });
      assertClose(await device.read(weight), twin, TOLERANCE, "weight");
      assertClose(await device.read(m), twinStates[0]!, TOLERANCE, "m");
      assertClose(await device.read(v), twinStates[1]!, TOLERANCE, "v");
    },
    { kinds: ["gpu"] },
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
      ...ADAMW,
      step: 1,
      clip: clipOf(device, 0.25),
    });
    const twin = Float64Array.from(data);
    const zeros = () => new Float64Array(2500);
    adamwReference(twin, data, zeros(), zeros(), { ...ADAMW, step: 1 });
    assertClose(await device.read(weight), twin, TOLERANCE);
  },
  { kinds: ["gpu"], windowBytes: 4096 },
);

await gpuTest(
  "adamw() moves by the learning rate at the first step, whatever the gradient's size",
  async (device) => {
    // m / (1 - beta1) = g and sqrt(v / (1 - beta2)) = |g|: the quotient is the gradient's sign
    const weight = device.zeros([3]);
    const gradient = device.upload(Float32Array.of(1e-3, -5, 20), [3]);
    const [m, v] = [device.zeros([3]), device.zeros([3])];
    adamw(device, { weight, gradient, m, v }, {
      ...ADAMW,
      step: 1,
      clip: clipOf(device, 0.25),
    });
    const moved = await device.read(weight);
    for (const [i, want] of [-0.01, 0.01, -0.01].entries()) {
      assertAlmostEquals(moved[i]!, want, 1e-6);
    }
  },
  { kinds: ["gpu"] },
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
}, { kinds: ["gpu"] });

for (const count of [1, 7, 33, 257]) {
  await gpuTest(
    `lion() follows its twin for ${STEPS} steps on ${count} weights`,
    async (device) => {
      const options = {
        learningRate: 1e-2,
        beta1: 0.9,
        beta2: 0.99,
        weightDecay: 0.1,
      };
      const { weight, states: [m], twin, twinStates } = start(device, count);
      takeSteps(device, count, (gradient, numbers) => {
        const clip = clipOf(device, 0.5);
        lion(device, { weight, gradient, m }, { ...options, clip });
        const gradientScale = 0.5;
        lionReference(twin, numbers, twinStates[0], {
          ...options,
          gradientScale,
        });
      });
      assertClose(await device.read(weight), twin, TOLERANCE, "weight");
      assertClose(await device.read(m), twinStates[0], TOLERANCE, "m");
    },
    { kinds: ["gpu"] },
  );

  await gpuTest(
    `adagrad() follows its twin for ${STEPS} steps on ${count} weights`,
    async (device) => {
      const options = { learningRate: 1e-2, eps: 1e-10, weightDecay: 0.1 };
      const { weight, states: [v], twin, twinStates } = start(device, count);
      takeSteps(device, count, (gradient, numbers) => {
        const clip = clipOf(device, 0.5);
        adagrad(device, { weight, gradient, v }, { ...options, clip });
        const gradientScale = 0.5;
        adagradReference(twin, numbers, twinStates[0], {
          ...options,
          gradientScale,
        });
      });
      assertClose(await device.read(weight), twin, TOLERANCE, "weight");
      assertClose(await device.read(v), twinStates[0], TOLERANCE, "v");
    },
    { kinds: ["gpu"] },
  );
}

await gpuTest(
  "lion() moves by the learning rate, and not at all where the gradient was always 0",
  async (device) => {
    const weight = device.zeros([3]);
    const gradient = device.upload(Float32Array.of(1e-3, 0, -20), [3]);
    lion(device, { weight, gradient, m: device.zeros([3]) }, {
      learningRate: 0.5,
      beta1: 0.9,
      beta2: 0.99,
      weightDecay: 0,
      clip: clipOf(device, 1),
    });
    assertEquals([...await device.read(weight)], [-0.5, 0, 0.5]);
  },
  { kinds: ["gpu"] },
);

for (const count of [1, 257]) {
  for (const momentum of [0, 0.9]) {
    await gpuTest(
      `rmsprop() with momentum ${momentum} follows its twin for ${STEPS} steps on ${count} weights`,
      async (device) => {
        const options = {
          learningRate: 1e-2,
          alpha: 0.99,
          eps: 1e-8,
          weightDecay: 0.1,
          momentum,
          gradientScale: 0.5,
        };
        const { weight, states: [v, velocity], twin, twinStates } = start(
          device,
          count,
        );
        takeSteps(device, count, (gradient, numbers) => {
          const clip = clipOf(device, options.gradientScale);
          const tensors = { weight, gradient, v, velocity };
          rmsprop(device, tensors, { ...options, clip });
          rmspropReference(twin, numbers, twinStates, options);
        });
        assertClose(await device.read(weight), twin, TOLERANCE, "weight");
        assertClose(await device.read(v), twinStates[0], TOLERANCE, "v");
      },
      { kinds: ["gpu"] },
    );
  }

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
      { kinds: ["gpu"] },
    );
  }
}

await gpuTest(
  "sgd() and rmsprop() with momentum ask for the velocity",
  (device) => {
    const weight = device.zeros([2]);
    const clip = clipOf(device, 1);
    const options = { learningRate: 1, momentum: 0.9, clip };
    assertThrows(
      () => sgd(device, { weight, gradient: weight }, options),
      TypeError,
      '"velocity" is missing, expected a tensor [2]',
    );
    assertThrows(
      () => rmsprop(device, { weight, gradient: weight, v: weight }, options),
      TypeError,
      '"velocity" is missing, expected a tensor [2]',
    );
    assertEquals(weight.shape, [2]);
    return Promise.resolve();
  },
  { kinds: ["gpu"] },
);

for (const factor of [0.5, -1]) {
  await gpuTest(
    `adamw(), rmsprop(), sgd() and lion() ${
      factor < 0 ? "change nothing" : "change all"
    } where clip says ${factor}`,
    async (device) => {
      const clip = clipOf(device, factor);
      const bad = factor < 0 ? NaN : 1;
      const make = (value: number) =>
        device.upload(new Float32Array(8).fill(value), [8]);
      const gradient = make(bad);
      const kept = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(make);
      const [a, m, v, b, square, c, velocity, d, mean] = kept;
      adamw(device, { weight: a!, gradient, m: m!, v: v! }, {
        ...ADAMW,
        step: 1,
        clip,
      });
      rmsprop(device, { weight: b!, gradient, v: square! }, {
        learningRate: 1,
        clip,
      });
      sgd(device, { weight: c!, gradient, velocity: velocity! }, {
        learningRate: 1,
        momentum: 0.9,
        clip,
      });
      lion(device, { weight: d!, gradient, m: mean! }, {
        learningRate: 1,
        beta1: 0.9,
        beta2: 0.99,
        weightDecay: 0,
        clip,
      });
      const found = await device.readAll(kept);
      for (const [i, values] of found.entries()) {
        assertEquals(values.every((x) => x === i + 1), factor < 0);
      }
    },
    { kinds: ["gpu"] },
  );
}
