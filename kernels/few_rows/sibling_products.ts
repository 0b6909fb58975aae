/**
 * Products of a few rows with several weights in one launch, as an answer that grows has them: queries, keys and
 * values, or the two of a gated unit. A launch costs as much as a small kernel; the sums are those of `linear()` to the
 * bit. Knows no model.
 */
import { isCodeDType } from "../matrix/codebooks.ts";
import type { Device } from "../device/device.ts";
import { allocateWithFlat } from "../launch/flat_texture.ts";
import { type Activation, ACTIVATIONS } from "../rows/gated_unit.ts";
import { defineKernel, type Kernel } from "../device/kernel.ts";
import { lanesOf } from "../device/lanes.ts";
import type { MoreProduct } from "../matmul/linear.ts";
import type { Matrix } from "../matrix/matrix.ts";
import { numbered, runningSums } from "./numbered.ts";
import { type Operand, withOperand } from "../matmul/product.ts";
import { FEW_ROWS, fewRowsShape } from "../matmul/cpu/matmul_cpu.ts";
import { FEW_COLS, FORMATS } from "../matmul/gpu/matmul_gpu.ts";
import { fewGatedText, fewSiblingsText } from "./sibling_few_text.ts";
import { panelTileSize } from "../matmul/cpu/product_panel_text.ts";
import {
  gatedProductsText,
  siblingProductsText,
  type SiblingTile,
  siblingTileName,
} from "./sibling_products_text.ts";
import { expectShape, matrixShape, type Tensor } from "../device/tensor.ts";

/** One of several weights for the same rows; `more` as in `linear()`. */
export interface Sibling {
  /** `[out, in]` */
  readonly w: Matrix;
  /** `[out]` */
  readonly bias?: Tensor | undefined;
  readonly more?: MoreProduct | undefined;
}

const kernels = new Map<string, Kernel>();

function kernelOf(name: string, text: () => string): Kernel {
  const known = kernels.get(name) ?? defineKernel(name, text());
  kernels.set(name, known);
  return known;
}

/** Whether `siblingProducts()` and `gatedProducts()` can multiply `x [tokens, in]` with weights. */
export function areSiblings(
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

/** Bindings of a and factors, and per part of b, bias, the second pair and c. */
function hasRoom({ variant, gpu: { limits } }: Device, parts: number): boolean {
  return variant === "panel"
    ? limits.maxStorageTexturesPerShaderStage >= 2 + 3 * parts &&
      limits.maxStorageBuffersPerShaderStage >= 2 + 2 * parts
    : limits.maxStorageBuffersPerShaderStage >= 2 + 5 * parts;
}

/**
 * `factor (x wᵀ + bias + more.x more.wᵀ)` for each sibling, `[tokens, out]` from x `[tokens, in]`.
 *
 * @param siblings whose weights pass `areSiblings()`
 * @param factor one for all tokens, or one each, `[tokens]`
 * @throws {TypeError} if there are not as many factors
 */
export function siblingProducts(
  device: Device,
  x: Tensor,
  siblings: readonly Sibling[],
  factor: number | Tensor = 1,
): Tensor[] {
  const [rows] = matrixShape(x);
  const isOne = typeof factor === "number";
  if (!isOne) expectShape("factors", factor, [rows]);
  const outputs = siblings.map(({ w }) => device.allocate([rows, w.rows]));
  const { kernel, cols, constants } = kernelFor(device, rows, siblings);
  const starts = runningSums(
    siblings.map(({ w }) => Math.ceil(w.rows / cols)),
  );
  launch(device, x, siblings, {
    ...{ kernel, constants },
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
 * `activation(gate) * up`, `[tokens, out]` from x `[tokens, in]`, with the texture that the next product reads.
 *
 * @param siblings gate and up, whose weights pass `areSiblings()` and are of one shape
 */
export function gatedProducts(
  device: Device,
  x: Tensor,
  siblings: readonly [gate: Sibling, up: Sibling],
  activation: Activation,
): Tensor {
  const [rows] = matrixShape(x);
  const [{ w }] = siblings;
  const shape = [rows, w.rows];
  const y: Tensor = device.variant === "panel"
    ? allocateWithFlat(device, shape)
    : device.allocate(shape);
  const { kernel, cols, constants } = kernelFor(
    device,
    rows,
    siblings,
    "gated",
  );
  launch(device, x, siblings, {
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
  siblings: readonly Sibling[],
  kind: "siblings" | "gated" = "siblings",
) {
  const dtype = siblings[0]!.w.dtype as SiblingTile["dtype"];
  const parts = siblings.length;
  if (device.variant === "tile") {
    const kernel = kernelOf(
      `${kind}_few_${parts}`,
      () => kind === "gated" ? fewGatedText() : fewSiblingsText(parts),
    );
    const constants = { FORMAT: FORMATS[dtype], ROWS: rows };
    return { kernel, cols: FEW_COLS, constants };
  }
  const shape = fewRowsShape(rows, lanesOf(device));
  const tile = { ...shape, dtype, parts };
  const write = kind === "gated" ? gatedProductsText : siblingProductsText;
  const name = siblingTileName(tile, kind);
  const [, cols] = panelTileSize(tile);
  return { kernel: kernelOf(name, () => write(tile)), cols, constants: {} };
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
  siblings: readonly Sibling[],
  { kernel, bindings, params, groups, constants = {} }: Launch,
): void {
  const none = device.allocate([1]);
  const { w } = siblings[0]!;
  withOperand(
    device,
    x,
    "rgba32float",
    (a) =>
      withLows(device, siblings, [], (lows) => {
        const parts = siblings.map((sibling, i) =>
          partOf(sibling, i, { a, low: lows[i], none })
        );
        device.launch(
          kernel,
          Object.assign(
            { a: a.store },
            ...parts.map((p) => p.bindings),
            bindings,
          ),
          Object.assign(
            { rows: matrixShape(x)[0], length: w.cols, a_word: 0 },
            { a_pitch: a.pitch, b_row: 0, b_pitch: w.pitch },
            ...parts.map((p) => p.params),
            params,
          ),
          [groups],
          { constants },
        );
      }),
  );
  device.release(none);
}

/** Calls `use` with the second pair's `x` of each sibling that has one, as an operand. */
function withLows(
  device: Device,
  siblings: readonly Sibling[],
  lows: readonly (Operand | undefined)[],
  use: (lows: readonly (Operand | undefined)[]) => void,
): void {
  if (lows.length === siblings.length) return use(lows);
  const { more } = siblings[lows.length]!;
  const next = (low: Operand | undefined) =>
    withLows(device, siblings, [...lows, low], use);
  if (more) withOperand(device, more.x, "rgba32float", next);
  else next(undefined);
}

/** What the text names by the part's number; what is not used must still be bound. */
function partOf(
  { w, bias, more }: Sibling,
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
