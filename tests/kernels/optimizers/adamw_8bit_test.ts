import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  adamw8bit,
  blockShapes,
} from "../../../kernels/optimizers/adamw_8bit.ts";
import type { Device } from "../../../kernels/device/device.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import { openSafetensors } from "../../../src/files/safetensors/safetensors.ts";
import { compared, referencePath } from "../../reference_dir.ts";
import { referenceTest } from "../../reference_test_case.ts";
import { dynamicMap, nearestCode } from "../../reference/dynamic_map.ts";
import { adamwReference } from "../../reference/optimizers.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded } from "../numbers.ts";
import { clipOf, STEPS } from "../optimizer_case.ts";
import { test } from "../../test_case.ts";

const SIGNED = dynamicMap(true);
const UNSIGNED = dynamicMap(false);
const ADAMW = {
  learningRate: 1e-2,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0.1,
};

referenceTest("dynamicMap() is the reference's", async () => {
  const file = await openSafetensors(referencePath("quant/quant.safetensors"));
  const { buffer } = await file.read("dynamic_map_signed_8bit");
  assertClose(SIGNED, new Float32Array(buffer), 2e-7);
  assertEquals([SIGNED.length, UNSIGNED.length], [256, 256]);
  compared("8-bit maps");
});

test(
  "dynamicMap() begins and ends its decades halfway in their parts",
  { permissions: "none", sanitizeOps: true, sanitizeResources: true },
  () => {
    const near = (found: number[], wanted: number[]) =>
      assertClose(found, wanted, 1e-12);
    // 1e-6 (0.1 + 0.9 / 2); 1 - 0.9 / 64 / 2
    near([127, 128, 0, 254, 255].map((code) => SIGNED[code]!), [
      ...[0, 5.5e-7, -0.99296875, 0.99296875, 1],
    ]);
    // 1e-6 (0.1 + 0.9 / 4); 1 - 0.9 / 128 / 2
    near([0, 1, 254, 255].map((code) => UNSIGNED[code]!), [
      ...[0, 3.25e-7, 0.996484375, 1],
    ]);
  },
);

/** The state of so many weights, zero. */
function zeroState(device: Device, count: number) {
  const { codes, absmax } = blockShapes(count);
  return {
    state1: device.zeros(codes, "u32"),
    absmax1: device.zeros(absmax),
    state2: device.zeros(codes, "u32"),
    absmax2: device.zeros(absmax),
  };
}

/** Codes and scales as they are on the device. */
async function readMoment(device: Device, state: Tensor, absmax: Tensor) {
  const codes = new Uint8Array(await device.readBytes(state));
  return { codes, tops: await device.read(absmax) };
}

type Moment = Awaited<ReturnType<typeof readMoment>>;

function numbersOf(
  { codes, tops }: Moment,
  map: Float64Array,
  count: number,
): Float64Array {
  return Float64Array.from(
    { length: count },
    (_, i) => tops[Math.floor(i / 256)]! * map[codes[i]!]!,
  );
}

/**
 * Each block's scale is its largest number, and each code the nearest but for a rounding of the
 * quotient.
 */
function assertNearest(
  { codes, tops }: Moment,
  map: Float64Array,
  want: Float64Array,
): void {
  for (let first = 0; first < want.length; first += 256) {
    const block = want.subarray(first, first + 256);
    const top = block.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    assertClose([tops[first / 256]!], [top], 1e-6, "absmax");
    if (top === 0) continue;
    for (const [i, x] of block.entries()) {
      const found = map[codes[first + i]!]!;
      const best = map[nearestCode(map, x / top)]!;
      const [error, least] = [found, best].map((y) => Math.abs(y - x / top));
      assert(
        error! <= least! + 4e-6 * Math.abs(x / top) + 1e-12,
        `${first + i}: ${found} for ${x / top}, nearest is ${best}`,
      );
    }
  }
}

for (const count of [1, 7, 33, 257, 4099]) {
  await gpuTest(
    `adamw8bit() takes its twin's step and keeps the nearest codes on ${count} weights`,
    async (device) => {
      const data = seeded(count, count);
      const weight = device.upload(data, [count]);
      const state = zeroState(device, count);
      for (let step = 1; step <= STEPS; step++) {
        const read = async () => ({
          one: await readMoment(device, state.state1, state.absmax1),
          two: await readMoment(device, state.state2, state.absmax2),
        });
        const before = await read();
        const twin = Float64Array.from(await device.read(weight));
        // numbers of all sizes, some zero
        const numbers = seeded(count, 100 * count + step).map((x, i) =>
          i % 11 === 3 ? 0 : x * 10 ** -(i % 7)
        );
        const gradient = device.upload(numbers, [count]);
        const clip = clipOf(device, 0.25);
        adamw8bit(device, { weight, gradient, ...state }, {
          ...ADAMW,
          step,
          clip,
        });
        const m = numbersOf(before.one, SIGNED, count);
        const v = numbersOf(before.two, UNSIGNED, count);
        adamwReference(twin, numbers, m, v, {
          ...ADAMW,
          step,
          gradientScale: 0.25,
        });
        assertClose(await device.read(weight), twin, 2e-6, "weight");
        const after = await read();
        assertNearest(after.one, SIGNED, m);
        assertNearest(after.two, UNSIGNED, v);
      }
    },
  );
}

await gpuTest(
  "adamw8bit() reads and writes each of the 256 codes of both moments",
  async (device) => {
    const count = 256;
    const words = (codes: number[]) =>
      device.upload(Uint8Array.from(codes), blockShapes(count).codes, "u32");
    const codes = Array.from({ length: count }, (_, code) => code);
    const state = {
      state1: words(codes),
      absmax1: device.upload(Float32Array.of(2), [1]),
      state2: words(codes.toReversed()),
      absmax2: device.upload(Float32Array.of(0.5), [1]),
    };
    const weight = device.zeros([count]);
    // no news: the codes stay, and with so large an eps the weights show m
    const still = { beta1: 1 - 2 ** -30, beta2: 1 - 2 ** -30, eps: 2 ** 20 };
    const step = 1e9;
    adamw8bit(device, { weight, gradient: device.zeros([count]), ...state }, {
      learningRate: 2 ** 20,
      weightDecay: 0,
      step,
      ...still,
      clip: clipOf(device, 1),
    });
    const one = await readMoment(device, state.state1, state.absmax1);
    const two = await readMoment(device, state.state2, state.absmax2);
    assertEquals([...one.codes], codes);
    assertEquals([...two.codes], codes.toReversed());
    const correction = 1 - still.beta1 ** step;
    const moved = (await device.read(weight)).map((x) => -x * correction / 2);
    assertClose(moved, SIGNED, 2e-6);
    for (const [i, x] of SIGNED.entries()) {
      const error = Math.abs(moved[i]! - x);
      assert(error <= 2e-6 * Math.abs(x), `${moved[i]} of code ${i}, not ${x}`);
    }
  },
);

/** Numbers just below and above each boundary between two codes, in blocks that begin with 1. */
function boundaries(map: Float64Array): Float64Array {
  const sides = [...map.subarray(1)].flatMap((x, code) =>
    [-1e-4, 1e-4].map((off) => (x + map[code]!) / 2 * (1 + off))
  );
  const blocks = Array.from(
    { length: Math.ceil(sides.length / 255) },
    (_, i) => [1, ...sides.slice(255 * i, 255 * (i + 1))],
  );
  return Float64Array.from(blocks.flat());
}

for (const signed of [true, false]) {
  await gpuTest(
    `adamw8bit() keeps the nearest code on either side of each boundary, ${
      signed ? "signed" : "unsigned"
    }`,
    async (device) => {
      const map = signed ? SIGNED : UNSIGNED;
      const wanted = boundaries(map);
      const count = wanted.length;
      // without memory the moments are the gradient and its square
      const still = { beta1: 0, beta2: 0, weightDecay: 0, learningRate: 0 };
      const gradient = signed ? wanted : wanted.map(Math.sqrt);
      const state = zeroState(device, count);
      adamw8bit(device, {
        weight: device.zeros([count]),
        ...state,
        gradient: device.upload(Float32Array.from(gradient), [count]),
      }, { ...ADAMW, ...still, step: 1, clip: clipOf(device, 1) });
      const found = signed
        ? await readMoment(device, state.state1, state.absmax1)
        : await readMoment(device, state.state2, state.absmax2);
      const best = Array.from(wanted, (x) => nearestCode(map, x));
      assertEquals([...found.codes.subarray(0, count)], best);
    },
  );
}

await gpuTest(
  "adamw8bit() updates a tensor above the binding window as a whole",
  async (device) => {
    const count = 40_000; // in windows of 16,384
    const data = seeded(count, 1);
    const weight = device.upload(data, [200, 200]);
    const gradient = device.upload(data, [200, 200]);
    adamw8bit(device, { weight, gradient, ...zeroState(device, count) }, {
      ...ADAMW,
      step: 1,
      clip: clipOf(device, 0.25),
    });
    const twin = Float64Array.from(data);
    const zeros = () => new Float64Array(count);
    adamwReference(twin, data, zeros(), zeros(), {
      ...ADAMW,
      step: 1,
      gradientScale: 0.25,
    });
    assertClose(await device.read(weight), twin, 2e-6);
  },
  { windowBytes: 4096 },
);

await gpuTest(
  "adamw8bit() changes nothing where clip is below 0, and names a wrong shape",
  async (device) => {
    const weight = device.upload(new Float32Array(8).fill(1), [8]);
    const gradient = device.upload(new Float32Array(8).fill(NaN), [8]);
    const state = zeroState(device, 8);
    const options = { ...ADAMW, step: 1, clip: clipOf(device, -1) };
    adamw8bit(device, { weight, gradient, ...state }, options);
    assert((await device.read(weight)).every((x) => x === 1));
    const { codes, tops } = await readMoment(
      device,
      state.state1,
      state.absmax1,
    );
    assert([...codes, ...tops].every((x) => x === 0));
    assertThrows(
      () =>
        adamw8bit(device, {
          weight,
          gradient,
          ...state,
          state2: device.zeros([3], "u32"),
        }, options),
      TypeError,
      'tensor "state2": shape [3], expected [2]',
    );
  },
);
