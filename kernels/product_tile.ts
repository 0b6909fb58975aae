/** The matrix product for GPUs: 64 x 64 outputs a workgroup from storage buffers through workgroup memory. */
import type { Device } from "./device.ts";
import { defineKernel } from "./kernel.ts";
import type { MatrixDType } from "./matrix_bytes.ts";
import type { Product } from "./product.ts";
import ntSource from "./product_nt.wgsl" with { type: "text" };
import nnSource from "./product_nn.wgsl" with { type: "text" };

const kernels = {
  nt: defineKernel("product_nt", ntSource),
  nn: defineKernel("product_nn", nnSource),
};

/** The override `FORMAT` of kernels that read matrices. */
export const FORMATS: Record<MatrixDType, number> = { f32: 0, bf16: 1, f16: 2 };

const TILE = 64;

/** Launches a product whose operands are buffers. */
export function launchTileProduct(device: Device, p: Product): void {
  const none = device.allocate([1]);
  const { store: a } = p.a;
  const { store: b } = p.b;
  const { bias = none, scale = none } = p;
  const params = {
    rows: p.rows,
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
  const constants = {
    FORMAT: FORMATS[p.b.dtype],
    FINISH: p.scale ? 2 : Number(p.add),
    BIAS: Number(p.bias !== undefined),
  };
  const grid = [Math.ceil(p.rows / TILE), Math.ceil(p.cols / TILE)] as const;
  const bindings = { a, b, c: p.c, bias, scale };
  device.launch(kernels[p.mode], bindings, params, grid, { constants });
  device.release(none);
}
