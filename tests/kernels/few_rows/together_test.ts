/**
 * Products of few rows with several weights in one launch: float64's numbers, and the bits of one
 * product after another.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Device } from "../../../kernels/device/device.ts";
import {
  type Activation,
  gatedUnit,
} from "../../../kernels/rows/gated_unit.ts";
import { linear } from "../../../kernels/matmul/linear.ts";
import {
  canGoTogether,
  gatedProducts,
  productsTogether,
  type WeightPart,
} from "../../../kernels/few_rows/together.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import { gatedUnitTwin } from "../../reference/gated_unit.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { seededMatrix } from "../matrix_case.ts";
import { assertClose, seeded } from "../numbers.ts";

/** Rows, length of the sums, columns of each part. */
const SIZES = [
  [1, 896, [896, 128, 128]],
  [1, 37, [12, 4, 260]],
  [2, 64, [128, 132]],
  [3, 20, [8, 4]],
  [4, 132, [76, 256, 4]],
] as const;
const DTYPES = ["f32", "bf16", "f16"] as const;
/** Float32 sums of at most 912 products of numbers below 1. */
const TOLERANCE = 2e-5;

interface Made extends WeightPart {
  /** What the product must be, in float64. */
  readonly want: Float64Array;
}

interface Case {
  readonly rows: number;
  readonly cols: number;
  readonly dtype: typeof DTYPES[number];
}

/**
 * Part i: every second has a bias, the second of three a low-rank part of odd rank, the third one
 * of rank 16.
 */
function makePart(
  device: Device,
  x: Float32Array,
  { rows, cols, dtype }: Case,
  out: number,
  i: number,
): Made {
  const { w, values } = seededMatrix(device, out, cols, dtype, i);
  const bias = i % 2 === 0 ? seeded(out, 40 + i) : undefined;
  const rank = [0, 3, 16][i]!;
  const low = seeded(rows * rank, 50 + i);
  const { w: b, values: bValues } = seededMatrix(device, out, rank || 1, "f32");
  const want = Float64Array.from({ length: rows * out }, (_, at) => {
    const [t, j] = [Math.floor(at / out), at % out];
    let sum = bias?.[j] ?? 0;
    for (let k = 0; k < cols; k++) {
      sum += x[t * cols + k]! * values[j * cols + k]!;
    }
    for (let k = 0; k < rank; k++) {
      sum += low[t * rank + k]! * bValues[j * rank + k]!;
    }
    return sum;
  });
  return {
    w,
    want,
    bias: bias && device.upload(bias, [out]),
    more: rank > 0 ? { x: device.upload(low, [rows, rank]), w: b } : undefined,
  };
}

function alone(
  device: Device,
  x: Tensor,
  { w, bias, more }: WeightPart,
): Tensor {
  return linear(device, x, w, {
    ...(bias ? { bias } : {}),
    ...(more ? { more } : {}),
  });
}

for (const [rows, cols, outs] of SIZES) {
  for (const dtype of DTYPES) {
    await gpuTest(
      `productsTogether() of ${dtype} are products at [${rows}, ${cols}] by ${outs}`,
      async (device) => {
        const numbers = seeded(rows * cols, 1);
        const x = device.upload(numbers, [rows, cols]);
        const made = outs.map((out, i) =>
          makePart(device, numbers, { rows, cols, dtype }, out, i)
        );
        assert(canGoTogether(device, x, made.map(({ w }) => w)));
        const outputs = productsTogether(device, x, made);
        for (const [i, sibling] of made.entries()) {
          const got = await device.read(outputs[i]!);
          assertClose(got, sibling.want, TOLERANCE);
          assertEquals(got, await device.read(alone(device, x, sibling)));
        }
      },
    );
  }
}

await gpuTest(
  "productsTogether() take one factor, or one for each token",
  async (device) => {
    const [rows, cols] = [3, 20];
    const numbers = seeded(rows * cols, 1);
    const x = device.upload(numbers, [rows, cols]);
    const made = [8, 16].map((out, i) =>
      makePart(device, numbers, { rows, cols, dtype: "bf16" }, out, i)
    );
    const each = Float32Array.of(0.5, 0, -3);
    for (const factor of [2.5, each]) {
      const given = typeof factor === "number"
        ? factor
        : device.upload(factor, [rows]);
      const outputs = productsTogether(device, x, made, given);
      for (const [i, { want, w }] of made.entries()) {
        const scaled = want.map((value, at) =>
          value *
          (typeof factor === "number"
            ? factor
            : factor[Math.floor(at / w.rows)]!)
        );
        assertClose(await device.read(outputs[i]!), scaled, TOLERANCE);
      }
    }
    assertThrows(
      () => productsTogether(device, x, made, device.zeros([2])),
      TypeError,
      "[2]",
    );
  },
);

for (const activation of ["silu", "gelu_tanh", "relu2", "sigmoid"] as const) {
  for (
    const [rows, cols, out] of [[1, 896, 4864], [2, 33, 132], [
      3,
      8,
      4,
    ]] as const
  ) {
    await gpuTest(
      `gatedProducts() are a gated unit at [${rows}, ${cols}] by ${out}, ${activation}`,
      (device) =>
        checkGated(device, { rows, cols, dtype: "bf16" }, out, activation),
    );
  }
}

async function checkGated(
  device: Device,
  { rows, cols, dtype }: Case,
  out: number,
  activation: Activation,
): Promise<void> {
  const numbers = seeded(rows * cols, 1);
  const x = device.upload(numbers, [rows, cols]);
  const pair = [0, 1].map((i) =>
    makePart(device, numbers, { rows, cols, dtype }, out, i)
  ) as [Made, Made];
  const y = gatedProducts(device, x, pair, activation);
  const [gate, up] = pair;
  const got = await device.read(y);
  assertClose(
    got,
    gatedUnitTwin(
      Float32Array.from(gate.want),
      Float32Array.from(up.want),
      activation,
    ),
    1e-4,
  );
  const one = gatedUnit(
    device,
    alone(device, x, gate),
    alone(device, x, up),
    activation,
  );
  assertEquals(got, await device.read(one));
  // what a product reads is the texture
  const { w: down } = seededMatrix(device, 8, out, "f32");
  const want = await device.read(linear(device, one, down));
  assertEquals(await device.read(linear(device, y, down)), want);
}

await gpuTest(
  "canGoTogether() wants few rows of whole words and one dtype",
  (device) => {
    const matrix = (out: number, dtype: typeof DTYPES[number]) =>
      seededMatrix(device, out, 8, dtype).w;
    const [even, odd, other] = [
      matrix(8, "f32"),
      matrix(6, "f32"),
      matrix(8, "bf16"),
    ];
    const x = device.zeros([1, 8]);
    assertEquals(canGoTogether(device, x, [even, even]), true);
    assertEquals(canGoTogether(device, x, [even, odd]), false);
    assertEquals(canGoTogether(device, x, [even, other]), false);
    assertEquals(
      canGoTogether(device, device.zeros([5, 8]), [even, even]),
      false,
    );
    assertEquals(
      canGoTogether(device, device.zeros([0, 8]), [even, even]),
      false,
    );
    return Promise.resolve();
  },
);
