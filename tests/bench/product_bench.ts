/**
 * Matrix products at Qwen2-0.5B's shapes, and a vocabulary's: forward, both gradients, the few rows
 * of decoding.
 */
import { linear, linearDw, linearDx } from "../../kernels/matmul/linear.ts";
import { seeded } from "../kernels/numbers.ts";
import { benchKernel, device } from "./bench_kernel.ts";
import { drawnMatrix } from "./drawn_matrix.ts";

const RANK = 16;
const SHAPES = [
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
] as const;

type DType = "f32" | "bf16";

/** What a shape multiplies, made at its first use. */
function operandsOf([tokens, cols, rows]: typeof SHAPES[number], dtype: DType) {
  const tensor = (width: number, seed: number) =>
    device.upload(seeded(tokens * width, seed), [tokens, width]);
  const make = () => ({
    x: tensor(cols, 2),
    dy: tensor(rows, 3),
    w: drawnMatrix(device, rows, cols, dtype),
    more: { x: tensor(RANK, 4), w: drawnMatrix(device, rows, RANK, "f32") },
  });
  let made: ReturnType<typeof make> | undefined;
  return () => made ??= make();
}

function register(shape: typeof SHAPES[number], dtype: DType): void {
  const [tokens, cols, rows] = shape;
  const operands = operandsOf(shape, dtype);
  const work = {
    operations: 2 * tokens * cols * rows,
    bytes: rows * cols * (dtype === "f32" ? 4 : 2) + 4 * tokens * (cols + rows),
  };
  const bench = (
    name: string,
    launch: (made: ReturnType<typeof operands>) => void,
  ) =>
    benchKernel(
      `${name} ${dtype} ${tokens} x ${cols} x ${rows}`,
      ...[work, operands, launch] as const,
    );
  bench("linear", ({ x, w }) => linear(device, x, w));
  if (tokens <= 4 || rows > 10_000) return;
  bench("linear + rank 16", ({ x, w, more }) => linear(device, x, w, { more }));
  bench("linearDx", ({ dy, w }) => linearDx(device, dy, w));
  if (dtype === "f32") {
    bench("linearDw", ({ dy, x }) => linearDw(device, dy, x));
  }
}

for (const shape of SHAPES) {
  if (shape[2] < 10_000) register(shape, "f32");
  register(shape, "bf16");
}
