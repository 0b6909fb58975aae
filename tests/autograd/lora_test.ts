/**
 * Layers with all kinds of adapters: outputs against the twin, gradients against its central
 * differences.
 */
import type { Device } from "../../kernels/device/device.ts";
import { rowSquares } from "../../kernels/matmul/weight_norms.ts";
import type { DropoutSeed, Lora } from "../../src/autograd/lora.ts";
import { linear } from "../../src/autograd/ops.ts";
import {
  createParameter,
  trainedWeight,
  type Vector,
} from "../../src/autograd/parameter.ts";
import { Tape } from "../../src/autograd/tape.ts";
import { gpuTest } from "../kernels/gpu_test_case.ts";
import { assertClose, seeded } from "../kernels/numbers.ts";
import { uploadMatrix } from "../kernels/upload_matrix.ts";
import {
  type AdaptedLayer,
  loraLinearTwin,
  normsOf,
} from "../reference/lora.ts";
import { centralDifferences } from "../reference/central_differences.ts";
import { dropoutTwin } from "../reference/dropout.ts";

const MASK: DropoutSeed = { seed: 5, stream: 3 };

interface Case {
  readonly dora: boolean;
  readonly fixed: boolean;
  readonly dropout: number;
}

const wide = (count: number, seed: number, scale = 1) =>
  Float64Array.from(seeded(count, seed, scale));

function layerOf(
  [tokens, rows, cols, rank]: readonly number[],
  { dora, fixed, dropout }: Case,
): AdaptedLayer {
  const halves = (seed: number) => ({
    a: wide(rank! * cols!, seed),
    b: wide(rows! * rank!, seed + 1),
  });
  const layer: AdaptedLayer = {
    x: wide(tokens! * cols!, 1),
    w: wide(rows! * cols!, 2),
    scale: 0.5,
    bias: wide(rows!, 3),
    ...halves(4),
    ...(fixed ? { fixed: { ...halves(6), scale: -0.75 } } : {}),
    ...(dropout > 0
      ? { dropped: (x) => dropoutTwin(x, { rate: dropout, ...MASK }) }
      : {}),
  };
  if (!dora) return layer;
  const norms = normsOf(layer, cols!);
  return { ...layer, dora: { m: wide(rows!, 8), norms } };
}

function upload(
  device: Device,
  [, rows, cols, rank]: readonly number[],
  layer: AdaptedLayer,
  dropout: number,
) {
  const tensor = (values: Float64Array, shape: number[]) =>
    device.upload(new Float32Array(values), shape);
  const trained = (name: "a" | "b", shape: number[]) =>
    trainedWeight(device, name, tensor(layer[name], shape));
  const w = uploadMatrix(device, new Float32Array(layer.w), [rows!, cols!]);
  const vector = (name: string, values: ArrayLike<number>): Vector => {
    const numbers = tensor(Float64Array.from(values), [rows!]);
    const parameter = createParameter(device, name, numbers);
    return { name, tensor: numbers, parameter };
  };
  const frozen = (name: string, values: Float64Array, shape: number[]) => ({
    name,
    matrix: uploadMatrix(device, new Float32Array(values), [
      shape[0]!,
      shape[1]!,
    ]),
  });
  const { fixed, dora } = layer;
  const lora: Lora = {
    a: trained("a", [rank!, cols!]),
    b: trained("b", [rows!, rank!]),
    scale: layer.scale,
    dropout,
    fixed: fixed && {
      a: frozen("fixed a", fixed.a, [rank!, cols!]),
      b: frozen("fixed b", fixed.b, [rows!, rank!]),
      scale: fixed.scale,
    },
    dora: dora && { m: vector("m", dora.m), squares: rowSquares(device, w) },
  };
  const bias = {
    name: "bias",
    tensor: tensor(Float64Array.from(layer.bias), [rows!]),
  };
  return { weight: { name: "w", matrix: w }, lora, bias };
}

async function check(
  device: Device,
  shape: readonly number[],
  kind: Case,
): Promise<void> {
  const [tokens, rows, cols] = shape as [number, number, number];
  const layer = layerOf(shape, kind);
  const { weight, lora, bias } = upload(device, shape, layer, kind.dropout);
  const x = device.upload(new Float32Array(layer.x), [tokens, cols]);
  const { value, tape } = Tape.record(
    device,
    () => linear(device, x, weight, { bias, lora, mask: MASK }),
    [x],
  );
  const tolerance = (cols + rows) * 2 ** -20;
  assertClose(
    await device.read(value),
    loraLinearTwin(layer, cols),
    tolerance,
    "y",
  );
  const dy = seeded(tokens * rows, 9);
  const [dx] = tape.backward(value, device.upload(dy, [tokens, rows]), [x]);
  const slope = (change: (v: Float64Array) => AdaptedLayer, at: Float64Array) =>
    centralDifferences((v) => loraLinearTwin(change(v), cols), at, dy);
  const wanted = [
    ["dx", dx!, slope((x) => ({ ...layer, x }), layer.x)],
    [
      "da",
      lora.a.parameter!.gradient,
      slope((a) => ({ ...layer, a }), layer.a),
    ],
    [
      "db",
      lora.b.parameter!.gradient,
      slope((b) => ({ ...layer, b }), layer.b),
    ],
    ...(layer.dora
      ? [
        [
          "dm",
          lora.dora!.m.parameter!.gradient,
          slope(
            (m) => ({ ...layer, dora: { ...layer.dora!, m } }),
            layer.dora.m,
          ),
        ] as const,
      ]
      : []),
  ] as const;
  for (const [name, got, want] of wanted) {
    assertClose(await device.read(got), want, tolerance, name);
  }
}

const KINDS: Readonly<Record<string, Case>> = {
  "an adapter": { dora: false, fixed: false, dropout: 0 },
  "an adapter with dropout": { dora: false, fixed: false, dropout: 0.4 },
  "an adapter on a fixed one": { dora: false, fixed: true, dropout: 0 },
  "an adapter with dropout on a fixed one": {
    dora: false,
    fixed: true,
    dropout: 0.4,
  },
  "magnitudes": { dora: true, fixed: false, dropout: 0 },
  "magnitudes with dropout": { dora: true, fixed: false, dropout: 0.4 },
};

for (const [name, kind] of Object.entries(KINDS)) {
  for (const shape of [[1, 1, 1, 1], [7, 6, 5, 2], [5, 33, 12, 3]]) {
    await gpuTest(
      `linear() with ${name} has its twin's outputs and slopes at [${shape}]`,
      (device) => check(device, shape, kind),
    );
  }
}

await gpuTest(
  "linear() with magnitudes serves only the tokens that it is told to",
  async (device) => {
    const shape = [5, 6, 8, 2];
    const layer = layerOf(shape, KINDS["magnitudes"]!);
    const { weight, lora, bias } = upload(device, shape, layer, 0);
    const x = device.upload(new Float32Array(layer.x), [5, 8]);
    const serves = [1, 0, 0, 1, 0];
    const y = await device.read(linear(device, x, weight, {
      bias,
      lora,
      loraRows: (scale) =>
        device.upload(Float32Array.from(serves, (on) => on * scale), [5]),
    }));
    const [on, off] = [layer, { ...layer, b: layer.b.map(() => 0) }];
    const adapted = loraLinearTwin(on, 8);
    const { dora: _, ...plain } = off;
    const base = loraLinearTwin(plain, 8);
    const want = adapted.map((value, i) =>
      serves[Math.floor(i / 6)] ? value : base[i]!
    );
    assertClose(y, want, 2 ** -17);
  },
);
