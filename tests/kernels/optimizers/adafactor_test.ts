import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  adafactor,
  type AdafactorTensors,
} from "../../../kernels/optimizers/adafactor.ts";
import type { Device } from "../../../kernels/device/device.ts";
import {
  adafactorMatrix,
  type AdafactorNumbers,
  adafactorVector,
} from "../../reference/adafactor.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded } from "../numbers.ts";
import { clipOf, STEPS } from "../optimizer_case.ts";

const NUMBERS = {
  learningRate: 1e-2,
  clipThreshold: 1,
  decayRate: -0.8,
  weightDecay: 0.1,
};

function start(device: Device, shape: readonly number[]) {
  const [rows, cols] = [shape.length === 1 ? 1 : shape[0]!, shape.at(-1)!];
  const data = seeded(rows * cols, 1);
  const tensors = {
    weight: device.upload(data, shape),
    row: device.zeros([rows]),
    col: device.zeros([cols]),
  };
  return { rows, cols, data, tensors };
}

/**
 * Steps with gradients whose rows and columns are of different sizes; the twin's steps come with
 * each.
 */
async function follows(
  device: Device,
  shape: readonly number[],
  numbers: Omit<AdafactorNumbers, "step" | "gradientScale"> = NUMBERS,
): Promise<void> {
  const { rows, cols, data, tensors } = start(device, shape);
  const twin = Float64Array.from(data);
  const row = new Float64Array(rows);
  const col = new Float64Array(cols);
  for (let step = 1; step <= STEPS; step++) {
    const gradient = seeded(rows * cols, 50 + step).map((x, i) =>
      x * (1 + i % cols) / (1 + Math.floor(i / cols)) / step
    );
    const gradientScale = 0.25;
    adafactor(
      device,
      { ...tensors, gradient: device.upload(gradient, shape) },
      {
        ...numbers,
        step,
        clip: clipOf(device, gradientScale),
      },
    );
    const all = { ...numbers, step, gradientScale };
    if (shape.length === 1) adafactorVector(twin, gradient, col, all);
    else adafactorMatrix(twin, gradient, { row, col }, all);
  }
  const tolerance = 2e-6 + (rows + cols) * 2 ** -24;
  assertClose(await device.read(tensors.col), col, tolerance, "col");
  if (shape.length > 1) {
    assertClose(await device.read(tensors.row), row, tolerance, "row");
  }
  assertClose(await device.read(tensors.weight), twin, tolerance, "weight");
}

for (
  const shape of [[1, 1], [7, 33], [33, 7], [257, 64], [1, 257], [257, 1]]
) {
  await gpuTest(
    `adafactor() follows its twin for ${STEPS} steps on a matrix [${shape}]`,
    (device) => follows(device, shape),
  );
}

for (const count of [1, 7, 33, 257, 1000]) {
  await gpuTest(
    `adafactor() follows the twin of vectors for ${STEPS} steps on ${count} weights`,
    (device) => follows(device, [count]),
  );
}

await gpuTest(
  "adafactor() bounds the update's root mean square by clip_threshold",
  (device) =>
    follows(device, [33, 7], {
      ...NUMBERS,
      clipThreshold: 0.01,
      decayRate: -1,
    }),
);

await gpuTest(
  "adafactor() updates a matrix above the binding window as a whole",
  (device) => follows(device, [200, 12]),
  { windowBytes: 4096 },
);

await gpuTest(
  "adafactor() leaves weights alone whose gradients were always 0",
  async (device) => {
    const { data, tensors } = start(device, [7, 5]);
    for (let step = 1; step <= STEPS; step++) {
      adafactor(device, { ...tensors, gradient: device.zeros([7, 5]) }, {
        ...NUMBERS,
        weightDecay: 0,
        step,
        clip: clipOf(device, 1),
      });
    }
    assertEquals(await device.read(tensors.weight), data);
  },
);

await gpuTest(
  "adafactor() changes nothing where clip is below 0",
  async (device) => {
    const make = (value: number, shape: number[]) =>
      device.upload(
        new Float32Array(8).fill(value).subarray(
          0,
          shape.reduce(
            (product, size) => product * size,
          ),
        ),
        shape,
      );
    const [weight, row, col] = [make(1, [2, 3]), make(2, [2]), make(3, [3])];
    adafactor(device, { weight, row, col, gradient: make(NaN, [2, 3]) }, {
      ...NUMBERS,
      step: 2,
      clip: clipOf(device, -1),
    });
    const found = await device.readAll([weight, row, col]);
    for (const [i, values] of found.entries()) {
      assert(values.every((x) => x === i + 1), `${values}`);
    }
  },
);

await gpuTest("adafactor() names a tensor of another shape", (device) => {
  const { tensors } = start(device, [2, 3]);
  const options = { ...NUMBERS, step: 1, clip: clipOf(device, 1) };
  const take = (more: Partial<AdafactorTensors>, step = 1) => () =>
    adafactor(
      device,
      { ...tensors, gradient: device.zeros([2, 3]), ...more },
      { ...options, step },
    );
  assertThrows(
    take({ col: device.zeros([2]) }),
    TypeError,
    'tensor "col": shape [2], expected [3]',
  );
  assertThrows(take({}, 0), RangeError, "step is 0, expected 1 or more");
  return Promise.resolve();
}, { kinds: ["gpu"] });
