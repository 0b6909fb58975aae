/**
 * The matrix product for GPUs: 64 or 128 x 64 outputs a workgroup from storage buffers through workgroup memory; for the few
 * rows of decoding, 8 columns a workgroup at the memory's speed.
 */
import type { Device } from "./device.ts";
import { defineKernel } from "./kernel.ts";
import type { MatrixDType } from "./matrix_bytes.ts";
import { foldedGrid } from "./grid.ts";
import type { Product } from "./product.ts";
import { chosenProduct } from "./product_choice.ts";
import fewSource from "./product_few.wgsl" with { type: "text" };
import ntSource from "./product_nt.wgsl" with { type: "text" };
import nnSource from "./product_nn.wgsl" with { type: "text" };
import type { Tensor } from "./tensor.ts";

const kernels = {
  nt: defineKernel("product_nt", ntSource),
  nn: defineKernel("product_nn", nnSource),
};

const fewKernel = defineKernel("product_few", fewSource);

/** The override `FORMAT` of kernels that read matrices. */
export const FORMATS: Record<MatrixDType, number> = {
  ...{ f32: 0, bf16: 1, f16: 2 },
  ...{ int8: 3, nf4: 4, fp4: 4 },
};

const TILE_COLS = 64;
/** What tuning chooses among: rows of a workgroup, a multiple of 64. All sum in one order. */
export const TILE_HEIGHTS = [
  { name: "64x64", rows: 64 },
  { name: "128x64", rows: 128 },
] as const;
/** What the choice depends on, beside the adapter. */
export const TILE_TEXT = ntSource + nnSource;
const FEW_ROWS = 4;
const FEW_COLS = 8;

/** Launches a product whose operands are buffers. */
export function launchTileProduct(device: Device, p: Product): void {
  const none = device.allocate([1]);
  const few = p.mode === "nt" && p.rows <= FEW_ROWS && !p.scale;
  if (few) launchFewRows(device, p, none);
  else launchTiles(device, p, none);
  device.release(none);
}

function launchTiles(device: Device, p: Product, none: Tensor): void {
  const { rows } = TILE_HEIGHTS[chosenProduct(device)]!;
  const { store: a } = p.a;
  const { store: b } = p.b;
  const { bias = none, scale = none } = p;
  const { scales = none } = p.b;
  const constants = {
    ROWS: rows / 16,
    FORMAT: FORMATS[p.b.dtype],
    FINISH: p.scale ? 2 : Number(p.add),
    BIAS: Number(p.bias !== undefined),
  };
  const grid = [
    Math.ceil(p.rows / rows),
    Math.ceil(p.cols / TILE_COLS),
  ] as const;
  const bindings = { a, b, c: p.c, bias, scale, scales };
  const params = { rows: p.rows, ...paramsOf(p) };
  device.launch(kernels[p.mode], bindings, params, grid, { constants });
}

function launchFewRows(device: Device, p: Product, none: Tensor): void {
  const { store: a } = p.a;
  const { store: b } = p.b;
  const constants = {
    FORMAT: FORMATS[p.b.dtype],
    ROWS: p.rows,
    FINISH: Number(p.add),
    BIAS: Number(p.bias !== undefined),
  };
  const grid = foldedGrid(Math.ceil(p.cols / FEW_COLS));
  const { scales = none } = p.b;
  const bindings = { a, b, c: p.c, bias: p.bias ?? none, scales };
  device.launch(fewKernel, bindings, paramsOf(p), grid, { constants });
}

function paramsOf(p: Product) {
  return {
    cols: p.cols,
    length: p.length,
    a_word: p.aCol / 4,
    a_pitch: p.a.pitch,
    b_row: p.bRow,
    b_pitch: p.b.pitch,
    c_row: p.cRow,
    c_col: p.cCol,
    c_first: p.cFirst,
    bias_first: p.biasFirst,
  };
}
