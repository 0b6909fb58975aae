/**
 * The lower half of a LoRA adapter with its factor, `h = factor * A x`. A few tokens, as while an
 * answer grows, take one launch for the adapters of all layers with one input. More tokens take a
 * product each, and a scaling where tokens have factors of their own.
 */
import type { Device } from "../device/device.ts";
import { lanesOf } from "../device/lanes.ts";
import { PATHS } from "../device/paths.ts";
import { createShader } from "../device/shader.ts";
import { expectShape, matrixShape, type Tensor } from "../device/tensor.ts";
import { allocateWithFlat } from "../launch/flat_texture.ts";
import { linear } from "../matmul/linear.ts";
import type { Matrix } from "../matrix/matrix.ts";
import { scaleRows } from "../rows/scale_rows.ts";
import text from "./low_rank_cpu.wgsl" with { type: "text" };
import {
  canGoTogether,
  numbered,
  productsTogether,
  runningSums,
} from "./together.ts";

/** Columns of a workgroup of low_rank_cpu.wgsl. */
const RANK_BLOCK = 8;

/** The kernels for a few tokens on CPU devices. */
export const lowRankCpuShader = createShader<{ PARTS: number }>(
  { name: "low_rank_cpu.wgsl", text },
  {
    nameOf: ({ PARTS }) => `low_rank_cpu_${PARTS}`,
    used: () => [1, 2, 3, 4].map((PARTS) => ({ PARTS })),
  },
);

/**
 * `h[t] = factor[t] * A x[t]`, `[tokens, r]` from x `[tokens, in]`.
 *
 * @param a `[r, in]`
 * @param factor one for all tokens, or one each, `[tokens]`
 * @throws {TypeError} if the shapes do not fit
 */
export function lowRank(
  device: Device,
  x: Tensor,
  a: Matrix,
  factor: number | Tensor,
): Tensor {
  return lowRanks(device, x, [a], factor)[0]!;
}

/**
 * As `lowRank()` for several LoRA adapters with one input and factor.
 *
 * @param halves each `[r, in]`
 * @throws {TypeError} if the shapes do not fit
 */
export function lowRanks(
  device: Device,
  x: Tensor,
  halves: readonly Matrix[],
  factor: number | Tensor,
): Tensor[] {
  const path = PATHS.lowRank(device, {
    tokens: matrixShape(x)[0],
    fits: fitLanes(halves),
    together: canGoTogether(device, x, halves),
  });
  if (path === "low_rank_cpu") return fewTokens(device, x, halves, factor);
  if (path === "together_gpu") {
    return productsTogether(device, x, halves.map((w) => ({ w })), factor);
  }
  return halves.map((a) => {
    if (typeof factor === "number") return linear(device, x, a, { factor });
    const low = linear(device, x, a);
    const h = scaleRows(device, low, factor);
    device.release(low);
    return h;
  });
}

function fitLanes(halves: readonly Matrix[]): boolean {
  return halves.every(({ dtype, rows, cols, windows }) =>
    dtype === "f32" && cols % 4 === 0 && rows % 4 === 0 && rows > 0 &&
    windows.length === 1
  );
}

function fewTokens(
  device: Device,
  x: Tensor,
  halves: readonly Matrix[],
  factor: number | Tensor,
): Tensor[] {
  const [tokens] = matrixShape(x);
  const isOne = typeof factor === "number";
  for (const { cols } of halves) expectShape("x", x, [tokens, cols]);
  if (!isOne) expectShape("factors", factor, [tokens]);
  const outputs = halves.map(({ rows }) =>
    allocateWithFlat(device, [tokens, rows])
  );
  const blocks = runningSums(
    halves.map(({ rows }) => Math.ceil(rows / RANK_BLOCK)),
  );
  device.launch(
    lowRankCpuShader.kernel({ PARTS: halves.length }),
    {
      x,
      factors: isOne ? x : factor,
      ...numbered("a_", halves.map(({ windows }) => windows[0]!.store)),
      ...numbered("h", outputs),
      ...numbered("flat_h", outputs.map(({ flat }) => flat)),
    },
    {
      words: halves[0]!.cols / 4,
      scale: isOne ? factor : 1,
      ...numbered("rank", halves.map(({ rows }) => rows)),
      ...numbered("pitch", halves.map(({ pitch }) => pitch)),
      ...numbered("first_block", blocks),
    },
    [blocks.at(-1)!, tokens],
    { constants: { LANES: lanesOf(device), HAS_FACTORS: Number(!isOne) } },
  );
  return outputs;
}
