/**
 * A mixture of experts as the decoder runs it, forward and backward, against one in float64 that
 * walks token by token; its gradients are found by central differences.
 */
import type { Device } from "../../kernels/device/device.ts";
import type { Tensor } from "../../kernels/device/tensor.ts";
import type { Lora } from "../../src/autograd/lora.ts";
import * as ops from "../../src/autograd/ops.ts";
import { trainedWeight, type Weight } from "../../src/autograd/parameter.ts";
import { checkpoint, Tape } from "../../src/autograd/tape.ts";
import { gpuTest } from "../kernels/gpu_test_case.ts";
import { assertClose, seeded } from "../kernels/numbers.ts";
import { centralDifferences } from "../reference/central_differences.ts";
import { expertsTwin } from "../reference/experts.ts";

const SIZES = { tokens: 7, hidden: 6, width: 5, experts: 4, k: 2 };
const SCALE = 0.5;
const RANK = 3;

const { tokens, hidden, width, experts } = SIZES;

/** The block's numbers by name: weights of every expert, and adapters of its gate projection. */
const NUMBERS: Readonly<Record<string, Float32Array<ArrayBuffer>>> = {
  x: seeded(tokens * hidden, 1),
  router: seeded(experts * hidden, 2, 2),
  ...perExpert("gate", width * hidden),
  ...perExpert("up", width * hidden),
  ...perExpert("down", hidden * width),
  ...perExpert("a", RANK * hidden),
  ...perExpert("b", width * RANK),
};

function perExpert(name: string, size: number) {
  return Object.fromEntries(
    Array.from({ length: experts }, (_, e) => [
      `${name}${e}`,
      seeded(size, 10 * e + name.length),
    ]),
  );
}

const each = <T>(make: (e: number) => T): T[] =>
  Array.from({ length: experts }, (_, e) => make(e));

function twin(
  numbers: Readonly<Record<string, ArrayLike<number>>>,
  { normalize, adapted }: Variation,
): Float64Array {
  const gate = (e: number) =>
    Float64Array.from(numbers[`gate${e}`]!, (w, i) => {
      if (!adapted) return w;
      const [row, col] = [Math.floor(i / hidden), i % hidden];
      let sum = w;
      for (let r = 0; r < RANK; r++) {
        sum += SCALE * numbers[`b${e}`]![row * RANK + r]! *
          numbers[`a${e}`]![r * hidden + col]!;
      }
      return sum;
    });
  return expertsTwin(numbers["x"]!, {
    router: numbers["router"]!,
    gate: each(gate),
    up: each((e) => numbers[`up${e}`]!),
    down: each((e) => numbers[`down${e}`]!),
  }, { ...SIZES, normalize });
}

interface Variation {
  readonly normalize: boolean;
  readonly adapted: boolean;
  readonly checkpointed: boolean;
}

function block(
  device: Device,
  weights: Readonly<Record<string, Weight>>,
  { normalize, adapted }: Variation,
): (x: Tensor) => Tensor {
  const of = (name: string) => each((e) => weights[`${name}${e}`]!);
  const loras: Lora[] = each((e) => ({
    a: weights[`a${e}`]!,
    b: weights[`b${e}`]!,
    scale: SCALE,
    dropout: 0,
  }));
  return (x) => {
    const logits = ops.linear(device, x, weights["router"]!);
    const { k } = SIZES;
    const { gates, slots } = ops.route(device, logits, { k, normalize });
    const rows = ops.takeSlots(device, x, slots);
    const gate = ops.expertLinear(device, rows, slots, {
      weights: of("gate"),
      loras: adapted ? loras : undefined,
    });
    const up = ops.expertLinear(device, rows, slots, { weights: of("up") });
    const unit = ops.gatedUnit(device, gate, up, "silu");
    const made = ops.expertLinear(device, unit, slots, {
      weights: of("down"),
    });
    return ops.combineSlots(device, made, slots.slots, gates);
  };
}

const SHAPES: Readonly<Record<string, readonly [number, number]>> = {
  router: [experts, hidden],
  gate: [width, hidden],
  up: [width, hidden],
  down: [hidden, width],
  a: [RANK, hidden],
  b: [width, RANK],
};

for (
  const variation of [
    { normalize: true, adapted: false, checkpointed: false },
    { normalize: false, adapted: true, checkpointed: false },
    { normalize: false, adapted: true, checkpointed: true },
  ]
) {
  const name = Object.entries(variation).filter(([, on]) => on)
    .map(([what]) => what).join(", ");
  await gpuTest(
    `experts and their gradients equal the float64 twin (${name})`,
    async (device) => {
      const weights = Object.fromEntries(
        Object.entries(NUMBERS).filter(([key]) => key !== "x").map((
          [key, numbers],
        ) => {
          const shape = SHAPES[key.replace(/\d+$/, "")]!;
          return [
            key,
            trainedWeight(device, key, device.upload(numbers, shape)),
          ];
        }),
      );
      const x = device.upload(NUMBERS["x"]!, [tokens, hidden]);
      const run = block(device, weights, variation);
      const { value, tape } = Tape.record(
        device,
        () => variation.checkpointed ? checkpoint(device, x, run) : run(x),
        [x],
      );
      assertClose(await device.read(value), twin(NUMBERS, variation), 1e-5);
      const dy = seeded(tokens * hidden, 3);
      const [dx] = tape.backward(
        value,
        device.upload(dy, [tokens, hidden]),
        [x],
      );
      const got = { x: dx!, ...gradientsOf(weights) };
      for (const [key, gradient] of Object.entries(got)) {
        if (!variation.adapted && /^[ab]\d/.test(key)) continue;
        const want = centralDifferences(
          (numbers) => twin({ ...NUMBERS, [key]: numbers }, variation),
          Float64Array.from(NUMBERS[key]!),
          dy,
        );
        assertClose(await device.read(gradient), want, 2e-5, `d${key}`);
      }
    },
  );
}

function gradientsOf(weights: Readonly<Record<string, Weight>>) {
  return Object.fromEntries(
    Object.entries(weights).map(([key, { parameter }]) => [
      key,
      parameter!.gradient,
    ]),
  );
}
