/**
 * Products of a few rows with several weights in one launch, as an answer that grows has them:
 * queries, keys and values, or the two of a gated unit. A launch costs as much as a small kernel.
 * The sums are those of `linear()` to the bit. Knows no model.
 */
import type { Device } from "../device/device.ts";
import type { Kernel } from "../device/kernel.ts";
import { lanesOf } from "../device/lanes.ts";
import { FEW_ROWS, PATHS, readsTextures } from "../device/paths.ts";
import { createShader } from "../device/shader.ts";
import { expectShape, matrixShape, type Tensor } from "../device/tensor.ts";
import { allocateWithFlat } from "../launch/flat_texture.ts";
import {
  cpuTileOutputs,
  type CpuTileShape,
  fewRowsShape,
} from "../matmul/cpu/cpu_tile.ts";
import { CPU_PIECES } from "../matmul/cpu/pieces.ts";
import { FEW_COLS } from "../matmul/gpu/matmul_gpu.ts";
import { GPU_PIECES } from "../matmul/gpu/pieces.ts";
import type { MoreProduct } from "../matmul/linear.ts";
import { openOperand, type Operand } from "../matmul/operands/operand.ts";
import { type CodeDType, isCodeDType } from "../matrix/codebooks.ts";
import type { Matrix } from "../matrix/matrix.ts";
import { FORMATS, type MatrixDType } from "../matrix/matrix_bytes.ts";
import {
  type Activation,
  ACTIVATION_PIECES,
  ACTIVATIONS,
} from "../rows/gated_unit.ts";
import gatedCpuText from "./gated_cpu.wgsl" with { type: "text" };
import gatedGpuText from "./gated_gpu.wgsl" with { type: "text" };
import partInputsCpu from "./part_inputs_cpu.wgsl" with { type: "text" };
import partInputsGpu from "./part_inputs_gpu.wgsl" with { type: "text" };
import partParams from "./part_params.wgsl" with { type: "text" };
import partSumsCpu from "./part_sums_cpu.wgsl" with { type: "text" };
import partSumsGpu from "./part_sums_gpu.wgsl" with { type: "text" };
import rowFactors from "./row_factors.wgsl" with { type: "text" };
import togetherCpuText from "./together_cpu.wgsl" with { type: "text" };
import togetherGpuText from "./together_gpu.wgsl" with { type: "text" };

/** One of several weights for the same rows; `more` as in `linear()`. */
export interface WeightPart {
  /** `[out, in]` */
  readonly w: Matrix;
  /** `[out]` */
  readonly bias?: Tensor | undefined;
  readonly more?: MoreProduct | undefined;
}

/** What is part of a text for CPU devices. */
interface CpuParts extends CpuTileShape {
  /** Type of all weights. */
  readonly dtype: Exclude<MatrixDType, CodeDType>;
  readonly parts: number;
}

const PIECES = {
  ...CPU_PIECES,
  ...GPU_PIECES,
  ...ACTIVATION_PIECES,
  "part_inputs_cpu.wgsl": partInputsCpu,
  "part_inputs_gpu.wgsl": partInputsGpu,
  "part_params.wgsl": partParams,
  "part_sums_cpu.wgsl": partSumsCpu,
  "part_sums_gpu.wgsl": partSumsGpu,
  "row_factors.wgsl": rowFactors,
};

/** Parts that launches have, as far as is known; a device may bind more. */
const USED_PARTS = [1, 2, 3, 4];

function* everyCpuParts(counts: readonly number[]): Generator<CpuParts> {
  for (const lanes of [8, 16] as const) {
    for (const rows of [1, 2, FEW_ROWS]) {
      for (const dtype of ["f32", "bf16", "f16"] as const) {
        for (const parts of counts) {
          yield { ...fewRowsShape(rows, lanes), dtype, parts };
        }
      }
    }
  }
}

function cpuShader(
  name: string,
  text: string,
  { label, counts }: { label: string; counts: readonly number[] },
) {
  return createShader<CpuParts>({ name, text, pieces: PIECES }, {
    nameOf: ({ dtype, parts, rows, cols, colLanes }) =>
      `${label}_${dtype}_${parts}x${rows}_${cols}x${colLanes}`,
    valuesOf: (tile: CpuParts) => ({
      TYPE: tile.dtype,
      PARTS: tile.parts,
      ROWS: tile.rows,
      COLS: tile.cols,
      COL_LANES: tile.colLanes,
    }),
    used: () => everyCpuParts(counts),
  });
}

function gpuShader(
  name: string,
  text: string,
  { label, counts }: { label: string; counts: readonly number[] },
) {
  return createShader<{ PARTS: number }>({ name, text, pieces: PIECES }, {
    nameOf: ({ PARTS }) => `${label}_${PARTS}`,
    used: () => counts.map((PARTS) => ({ PARTS })),
  });
}

/** The kernels whose parts are each stored by itself, on CPU devices. */
export const togetherCpuShader = cpuShader(
  "together_cpu.wgsl",
  togetherCpuText,
  { label: "together_cpu", counts: USED_PARTS },
);

/** The kernels of a gated unit on CPU devices. */
export const gatedCpuShader = cpuShader("gated_cpu.wgsl", gatedCpuText, {
  label: "gated_cpu",
  counts: [2],
});

/** The kernels whose parts are each stored by itself, on GPUs. */
export const togetherGpuShader = gpuShader(
  "together_gpu.wgsl",
  togetherGpuText,
  { label: "together_gpu", counts: USED_PARTS },
);

/** The kernel of a gated unit on GPUs. */
export const gatedGpuShader = gpuShader("gated_gpu.wgsl", gatedGpuText, {
  label: "gated_gpu",
  counts: [2],
});

/** `{ [name + "0"]: values[0], … }`, as the texts name the bindings and params of their parts. */
export function numbered<T>(
  name: string,
  values: readonly T[],
): Record<string, T> {
  return Object.fromEntries(values.map((value, i) => [`${name}${i}`, value]));
}

/**
 * Where each part begins if they lie one after another, and where the last one ends:
 * `[counts + 1]`.
 */
export function runningSums(counts: readonly number[]): number[] {
  let sum = 0;
  return [0, ...counts.map((count) => sum += count)];
}

/**
 * Whether `productsTogether()` and `gatedProducts()` can multiply `x [tokens, in]` with weights.
 */
export function canGoTogether(
  device: Device,
  x: Tensor,
  weights: readonly Matrix[],
): boolean {
  const [rows, cols] = matrixShape(x);
  const { dtype } = weights[0]!;
  return rows > 0 && rows <= FEW_ROWS && hasRoom(device, weights.length) &&
    !isCodeDType(dtype) &&
    weights.every((w) =>
      w.dtype === dtype && w.cols === cols && w.rows > 0 &&
      w.rows % 4 === 0 && w.windows.length === 1
    );
}

/** Whether the device binds a and factors, and of each part b, bias, the second pair and c. */
function hasRoom(device: Device, parts: number): boolean {
  const { limits } = device.gpu;
  return readsTextures(device)
    ? limits.maxStorageTexturesPerShaderStage >= 2 + 3 * parts &&
      limits.maxStorageBuffersPerShaderStage >= 2 + 2 * parts
    : limits.maxStorageBuffersPerShaderStage >= 2 + 5 * parts;
}

/**
 * `factor (x wᵀ + bias + more.x more.wᵀ)` for each part, `[tokens, out]` from x `[tokens, in]`.
 *
 * @param parts whose weights pass `canGoTogether()`
 * @param factor one for all tokens, or one each, `[tokens]`
 * @throws {TypeError} if there are not as many factors
 */
export function productsTogether(
  device: Device,
  x: Tensor,
  parts: readonly WeightPart[],
  factor: number | Tensor = 1,
): Tensor[] {
  const [rows] = matrixShape(x);
  const isOne = typeof factor === "number";
  if (!isOne) expectShape("factors", factor, [rows]);
  const outputs = parts.map(({ w }) => device.allocate([rows, w.rows]));
  const { kernel, cols, constants } = kernelFor(device, rows, parts);
  const starts = runningSums(parts.map(({ w }) => Math.ceil(w.rows / cols)));
  launch(device, x, parts, {
    kernel,
    constants,
    bindings: {
      ...numbered("c", outputs),
      factors: isOne ? x : factor,
    },
    params: {
      ...numbered("first_tile", starts),
      factor: isOne ? factor : 1,
      has_factors: Number(!isOne),
    },
    groups: starts.at(-1)!,
  });
  return outputs;
}

/**
 * `activation(gate) * up`, `[tokens, out]` from x `[tokens, in]`, with the texture that the next
 * product reads.
 *
 * @param parts gate and up, whose weights pass `canGoTogether()` and are of one shape
 */
export function gatedProducts(
  device: Device,
  x: Tensor,
  parts: readonly [gate: WeightPart, up: WeightPart],
  activation: Activation,
): Tensor {
  const [rows] = matrixShape(x);
  const [{ w }] = parts;
  const shape = [rows, w.rows];
  const y: Tensor = readsTextures(device)
    ? allocateWithFlat(device, shape)
    : device.allocate(shape);
  const { kernel, cols, constants } = kernelFor(device, rows, parts, true);
  launch(device, x, parts, {
    kernel,
    bindings: y.flat ? { y, flat_y: y.flat } : { y },
    params: {},
    groups: Math.ceil(w.rows / cols),
    constants: { ...constants, ACTIVATION: ACTIVATIONS[activation] },
  });
  return y;
}

/** The kernel for so many rows and parts, and the columns of its workgroups. */
function kernelFor(
  device: Device,
  rows: number,
  weights: readonly WeightPart[],
  isGated = false,
) {
  const dtype = weights[0]!.w.dtype as CpuParts["dtype"];
  const parts = weights.length;
  const path = isGated ? PATHS.gated(device) : PATHS.together(device);
  if (path === "gated_gpu" || path === "together_gpu") {
    const shader = isGated ? gatedGpuShader : togetherGpuShader;
    return {
      kernel: shader.kernel({ PARTS: parts }),
      cols: FEW_COLS,
      constants: { FORMAT: FORMATS[dtype], ROWS: rows },
    };
  }
  const shader = isGated ? gatedCpuShader : togetherCpuShader;
  const shape = fewRowsShape(rows, lanesOf(device));
  const [, cols] = cpuTileOutputs(shape);
  const kernel = shader.kernel({ ...shape, dtype, parts });
  return { kernel, cols, constants: {} };
}

interface Launch {
  readonly kernel: Kernel;
  readonly bindings: Readonly<Record<string, Tensor | GPUTexture>>;
  readonly params: Readonly<Record<string, number>>;
  readonly groups: number;
  readonly constants?: Readonly<Record<string, number>>;
}

function launch(
  device: Device,
  x: Tensor,
  weights: readonly WeightPart[],
  { kernel, bindings, params, groups, constants = {} }: Launch,
): void {
  const none = device.allocate([1]);
  const { w } = weights[0]!;
  {
    using opened = new DisposableStack();
    const open = (x: Tensor) =>
      opened.use(openOperand(device, x, "rgba32float"));
    const a = open(x);
    const lows = weights.map(({ more }) => more && open(more.x));
    const parts = weights.map((part, i) =>
      partOf(part, i, { a, low: lows[i], none })
    );
    device.launch(
      kernel,
      Object.assign({ a: a.store }, ...parts.map((p) => p.bindings), bindings),
      Object.assign(
        {
          rows: matrixShape(x)[0],
          length: w.cols,
          a_word: 0,
          a_pitch: a.pitch,
          b_row: 0,
          b_pitch: w.pitch,
        },
        ...parts.map((p) => p.params),
        params,
      ),
      [groups],
      { constants },
    );
  }
  device.release(none);
}

/** What the text names by the part's number; what is not used must still be bound. */
function partOf(
  { w, bias, more }: WeightPart,
  i: number,
  { a, low, none }: {
    readonly a: Operand;
    readonly low: Operand | undefined;
    readonly none: Tensor;
  },
) {
  return {
    bindings: {
      [`b_${i}`]: w.windows[0]!.store,
      [`bias${i}`]: bias ?? none,
      [`more_a${i}`]: (low ?? a).store,
      [`more_b${i}`]: (more?.w ?? w).windows[0]!.store,
    },
    params: {
      [`cols${i}`]: w.rows,
      [`has_bias${i}`]: Number(bias !== undefined),
      [`more${i}_length`]: more ? matrixShape(more.x)[1] : 0,
      [`more${i}_a_word`]: 0,
      [`more${i}_a_pitch`]: low?.pitch ?? 0,
      [`more${i}_b_row`]: 0,
      [`more${i}_b_pitch`]: more?.w.pitch ?? 0,
    },
  };
}
