/**
 * Matrix products at Qwen2-0.5B's shapes: milliseconds, operations and bytes a second, the median of interleaved rounds.
 * The columns beside the clock's count the process's own processor time over all cores, which a shared machine
 * disturbs less. `deno run -A tests/bench/matmul_bench.ts [PART OF A NAME] [panel|tile]`.
 */
// deno-lint-ignore-file no-console
import { BLOCK, isCodeDType } from "../../kernels/codebooks.ts";
import { Device } from "../../kernels/device.ts";
import type { Variant } from "../../kernels/device_options.ts";
import { linear, linearDw, linearDx } from "../../kernels/linear.ts";
import {
  createMatrix,
  type Matrix,
  writeMatrixRows,
} from "../../kernels/matrix.ts";
import { bytesOfRows } from "../../kernels/matrix_bytes.ts";
import { blocksOfRow, writeMatrixScales } from "../../kernels/matrix_scales.ts";
import { quantize } from "../../kernels/quantize.ts";
import type { Tensor } from "../../kernels/tensor.ts";
import { encoded } from "../kernels/matrix_case.ts";
import { seeded } from "../kernels/numbers.ts";
import { cpuSeconds } from "./cpu_seconds.ts";

const ROUNDS = 5;
const OPERATIONS_PER_ROUND = 3e9;
const BYTES_PER_ROUND = 4e8;
const RANK = 16;
/** Most numbers of a matrix that are drawn; the vocabulary's repeat them. */
const DRAWN = 1 << 22;

interface Case {
  readonly name: string;
  readonly operations: number;
  /** What must be read and written at least. */
  readonly bytes: number;
  readonly run: () => Tensor;
  readonly wall: number[];
  readonly cpu: number[];
}

type Shape = readonly [tokens: number, cols: number, rows: number];
const DTYPES = ["f32", "bf16", "int8", "nf4"] as const;
type DType = (typeof DTYPES)[number];

function matrix(
  device: Device,
  rows: number,
  cols: number,
  dtype: DType,
): Matrix {
  const w = createMatrix(device, rows, cols, dtype);
  const most = Math.min(rows, Math.max(4, Math.floor(DRAWN / cols / 4) * 4));
  const numbers = seeded(most * cols, 1);
  const { bytes } = isCodeDType(dtype)
    ? quantize(numbers, cols, dtype)
    : encoded(numbers, dtype);
  if (isCodeDType(dtype)) {
    const scales = new Float32Array(rows * blocksOfRow(cols, dtype));
    writeMatrixScales(device, w, scales.fill(2 ** -7));
  }
  const rowBytes = bytes.length / most;
  for (let row = 0; row < rows; row += most) {
    const count = Math.min(most, rows - row);
    writeMatrixRows(device, w, row, bytes.subarray(0, count * rowBytes));
  }
  return w;
}

function casesOf(
  device: Device,
  [tokens, cols, rows]: Shape,
  dtype: DType,
): Case[] {
  const tensor = (width: number, seed: number) =>
    device.upload(seeded(tokens * width, seed), [tokens, width]);
  const w = matrix(device, rows, cols, dtype);
  const x = tensor(cols, 2);
  const dy = tensor(rows, 3);
  const more = {
    x: tensor(RANK, 4),
    w: matrix(device, rows, RANK, "f32"),
  };
  const weightBytes = bytesOfRows(rows, cols, dtype);
  const of = (name: string, run: () => Tensor): Case => ({
    name: `${name} ${dtype} ${tokens} x ${cols} x ${rows}`,
    operations: 2 * tokens * cols * rows,
    bytes: weightBytes + 4 * tokens * (cols + rows),
    ...{ run, wall: [], cpu: [] },
  });
  const forward = of("linear", () => linear(device, x, w));
  if (tokens <= 4 || rows > 10_000) return [forward];
  const both = [
    forward,
    of("linear + rank 16", () => linear(device, x, w, { more })),
    of("linearDx", () => linearDx(device, dy, w)),
  ];
  if (dtype !== "f32") return both;
  return [...both, of("linearDw", () => linearDw(device, dy, x))];
}

async function measure(device: Device, one: Case): Promise<void> {
  const times = Math.ceil(
    Math.min(
      OPERATIONS_PER_ROUND / one.operations,
      BYTES_PER_ROUND / one.bytes,
    ),
  );
  const cpu = cpuSeconds();
  const start = performance.now();
  for (let i = 0; i < times; i++) {
    using _scope = device.scope();
    one.run();
  }
  await device.finish();
  one.wall.push((performance.now() - start) / 1e3 / times);
  one.cpu.push(
    (cpuSeconds() - cpu) / navigator.hardwareConcurrency / times,
  );
}

function print({ name, operations, bytes, ...seconds }: Case): void {
  const columns = [seconds.wall, seconds.cpu].map((values) => {
    const median = values.toSorted((a, b) => a - b)[values.length >> 1]!;
    const [ms, rate, speed] = [
      median * 1e3,
      operations / median / 1e9,
      bytes / median / 1e9,
    ].map((value, i) => value.toFixed(i === 0 ? 2 : 1).padStart(i ? 6 : 8));
    return `${ms} ms ${rate} GF/s ${speed} GB/s`;
  });
  console.log(`${name.padEnd(38)} ${columns.join("   by processor time ")}`);
}

const SHAPES: readonly Shape[] = [
  [512, 896, 896],
  [512, 896, 4864],
  [512, 4864, 896],
  [350, 896, 896],
  [40, 896, 896],
  [512, 896, RANK],
  [512, RANK, 4864],
  [1, 896, 4864],
  [4, 896, 4864],
  [1, 896, 151_936],
  [256, 896, 151_936],
];

const [wanted = "", variant] = Deno.args;
using device = await Device.open(
  variant ? { variant: variant as Variant } : {},
);
const cases = SHAPES.flatMap((shape) =>
  DTYPES.filter((dtype) => dtype === "bf16" || shape[2] < 10_000)
    .filter((dtype) => dtype !== "nf4" || shape[1] % BLOCK === 0)
    .map((dtype) => [shape, dtype] as const)
).flatMap(([shape, dtype]) =>
  `${dtype} ${shape.join(" x ")}`.includes(wanted)
    ? casesOf(device, shape, dtype)
    : []
);
console.log(device.description, device.variant);
for (const one of cases) {
  using _scope = device.scope();
  one.run();
}
await device.finish();
for (let round = 0; round < ROUNDS; round++) {
  for (const one of cases) await measure(device, one);
}
for (const one of cases) print(one);
