/**
 * GF/s of the matrix products at Qwen2-0.5B's shapes, best of several rounds, and per CPU second: `deno run -A` it.
 * The second column counts the process's own processor time over two cores, which a shared machine disturbs less.
 */
// deno-lint-ignore-file no-console
import { Device } from "../../kernels/device.ts";
import { linear, linearDw, linearDx } from "../../kernels/linear.ts";
import {
  createMatrix,
  type Matrix,
  writeMatrixRows,
} from "../../kernels/matrix.ts";
import type { Tensor } from "../../kernels/tensor.ts";
import { encoded } from "../kernels/matrix_case.ts";
import { seeded } from "../kernels/numbers.ts";

const ROUNDS = 7;
const OPERATIONS_PER_ROUND = 8e9;

interface Case {
  readonly name: string;
  readonly operations: number;
  readonly run: () => Tensor;
  readonly milliseconds: number[];
  readonly cpuMilliseconds: number[];
}

function cpuSeconds(): number {
  const stat = Deno.readTextFileSync("/proc/self/stat").split(") ")[1]!;
  const fields = stat.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function matrix(
  device: Device,
  rows: number,
  cols: number,
  dtype: "f32" | "bf16",
): Matrix {
  const w = createMatrix(device, rows, cols, dtype);
  const { bytes } = encoded(seeded(rows * cols, 1), dtype);
  writeMatrixRows(device, w, 0, bytes);
  return w;
}

function casesOf(
  device: Device,
  [tokens, cols, rows]: readonly [number, number, number],
  dtype: "f32" | "bf16",
): Case[] {
  const w = matrix(device, rows, cols, dtype);
  const x = device.upload(seeded(tokens * cols, 2), [tokens, cols]);
  const dy = device.upload(seeded(tokens * rows, 3), [tokens, rows]);
  const of = (name: string, run: () => Tensor): Case => ({
    name: `${name} ${dtype} ${tokens}x${cols}x${rows}`,
    operations: 2 * tokens * cols * rows,
    run,
    milliseconds: [],
    cpuMilliseconds: [],
  });
  const low = device.upload(seeded(tokens * 16, 4), [tokens, 16]);
  const b = matrix(device, rows, 16, "f32");
  const y = device.zeros([tokens, rows]);
  const both = [
    of("linear", () => linear(device, x, w)),
    of(
      "linear + low rank",
      () => linear(device, x, w, { more: { x: low, w: b } }),
    ),
    of("linear into", () => linear(device, x, w, { into: y })),
    of("linearDx", () => linearDx(device, dy, w)),
  ];
  if (dtype === "bf16" || tokens === 1) return both;
  return [...both, of("linearDw", () => linearDw(device, dy, x))];
}

async function measure(device: Device, one: Case): Promise<void> {
  const times = Math.ceil(
    OPERATIONS_PER_ROUND / one.operations / (one.name.includes(" 1x") ? 20 : 1),
  );
  const cpu = cpuSeconds();
  const start = performance.now();
  for (let i = 0; i < times; i++) {
    using _scope = device.scope();
    one.run();
  }
  await device.finish();
  one.milliseconds.push((performance.now() - start) / times);
  one.cpuMilliseconds.push((cpuSeconds() - cpu) * 1e3 / times);
}

const shapes = [
  [512, 896, 896],
  [512, 896, 4864],
  [512, 4864, 896],
  [512, 896, 16],
  [512, 16, 4864],
  [1, 896, 4864],
] as const;

const wanted = Deno.args[0] ?? "";
using device = await Device.open();
const cases = shapes.flatMap((shape) =>
  (["f32", "bf16"] as const).flatMap((dtype) => casesOf(device, shape, dtype))
).filter(({ name }) => name.includes(wanted));
for (const one of cases) {
  using _scope = device.scope();
  one.run();
}
await device.finish();
for (let round = 0; round < ROUNDS; round++) {
  for (const one of cases) await measure(device, one);
}
for (const { name, operations, milliseconds, cpuMilliseconds } of cases) {
  const best = Math.min(...milliseconds);
  const rate = (operations / best / 1e6).toFixed(1).padStart(6);
  const cpu = Math.min(...cpuMilliseconds);
  const perCpu = (2 * operations / cpu / 1e6).toFixed(1).padStart(6);
  console.log(
    `${name.padEnd(36)} ${
      best.toFixed(2).padStart(8)
    } ms ${rate} GF/s ${perCpu} by CPU time`,
  );
}
