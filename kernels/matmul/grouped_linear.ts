/**
 * Products of rows that belong to groups with a weight per group: row s of group g is multiplied by
 * `ws[g]`. Where the groups begin is known on the device only; a launch per group skips what is
 * past its rows. Knows no router.
 */
import type { Device } from "../device/device.ts";
import { defineKernel } from "../device/kernel.ts";
import { PATHS } from "../device/paths.ts";
import { expectShape, matrixShape, type Tensor } from "../device/tensor.ts";
import { type Matrix, windowsOf } from "../matrix/matrix.ts";
import { openScales } from "../matrix/matrix_scales.ts";
import gpuText from "./grouped_gradient_gpu.wgsl" with { type: "text" };
import cpuText from "./grouped_gradient_cpu.wgsl" with {
  type: "text",
};
import { launchProduct } from "./matmul.ts";
import {
  openOperand,
  type Operand,
  plainProduct,
  type SecondPair,
} from "./operands/operand.ts";
import { expectRows, rowSlices, sliceRows } from "../launch/row_slices.ts";

const gradientKernels = {
  grouped_gradient_cpu: defineKernel("grouped_gradient_cpu", cpuText),
  grouped_gradient_gpu: defineKernel("grouped_gradient_gpu", gpuText),
};

/** Which rows belong to which group: `[starts[g], starts[g + 1])`. */
export interface Groups {
  /** u32 `[groups + 1]`, ascending; the last one is the number of rows. */
  readonly starts: Tensor;
  /** Rows that one group may have. */
  readonly most: number;
}

/**
 * A second product for the same sums, in f32: the low-rank part of adapted weights, `x`
 * `[rows, r]`.
 */
export interface GroupedMore {
  readonly x: Tensor;
  readonly ws: readonly Matrix[];
}

/**
 * y[s] = ws[g] x[s] + more.ws[g] more.x[s] for each row s of group g: `[rows, out]` from x
 * `[rows, in]`.
 *
 * @param ws one per group, all `[out, in]`
 * @throws {TypeError} if shapes do not fit
 */
export function groupedLinear(
  device: Device,
  x: Tensor,
  ws: readonly Matrix[],
  groups: Groups,
  more?: GroupedMore,
): Tensor {
  const [out, cols] = commonShape(ws);
  return grouped(device, x, groups, {
    mode: "nt",
    ws,
    length: cols,
    cols: out,
    more,
  });
}

/**
 * dx[s] = ws[g]ᵀ dy[s] + more.ws[g]ᵀ more.x[s]: `[rows, in]` from dy `[rows, out]`.
 *
 * @throws {TypeError} if shapes do not fit
 */
export function groupedLinearDx(
  device: Device,
  dy: Tensor,
  ws: readonly Matrix[],
  groups: Groups,
  more?: GroupedMore,
): Tensor {
  const [out, cols] = commonShape(ws);
  return grouped(device, dy, groups, {
    mode: "nn",
    ws,
    length: out,
    cols,
    more,
  });
}

/**
 * into += sum over the rows s of one group of dy[s] x[s]ᵀ, `[out, in]` from dy `[rows, out]` and x
 * `[rows, in]`.
 *
 * @throws {TypeError} if shapes do not fit
 */
export function groupedLinearDw(
  device: Device,
  [dy, x]: readonly [Tensor, Tensor],
  groups: Groups,
  gradients: readonly (Tensor | undefined)[],
): void {
  const [rows, out] = matrixShape(dy);
  const [, cols] = matrixShape(x);
  expectRows("x", x, rows, cols);
  const kernel = gradientKernels[PATHS.groupedGradient(device)];
  for (const slice of rowSlices(device, rows, Math.max(out, cols))) {
    using a = openOperand(device, sliceRows(dy, slice), "rgba32float");
    using b = openOperand(device, sliceRows(x, slice), "rgba32float");
    for (const [group, dw] of gradients.entries()) {
      if (!dw) continue;
      expectShape("dw", dw, [out, cols]);
      device.launch(
        kernel,
        { dy: a.store, x: b.store, starts: groups.starts, dw },
        {
          out,
          cols,
          dy_pitch: a.pitch,
          x_pitch: b.pitch,
          group,
          row_base: slice.first,
          rows: slice.count,
        },
        [Math.ceil(cols / 32), Math.ceil(out / 32)],
      );
    }
  }
}

interface Grouped {
  readonly mode: "nt" | "nn";
  readonly ws: readonly Matrix[];
  readonly length: number;
  readonly cols: number;
  readonly more: GroupedMore | undefined;
}

function grouped(
  device: Device,
  x: Tensor,
  { starts, most }: Groups,
  { mode, ws, length, cols, more }: Grouped,
): Tensor {
  const [rows] = matrixShape(x);
  expectRows("x", x, rows, length);
  expectShape("starts", starts, [ws.length + 1]);
  const forward = mode === "nt";
  const y = device.allocate([rows, cols]);
  for (const slice of rowSlices(device, rows, Math.max(length, cols))) {
    const c = sliceRows(y, slice);
    using a = openOperand(device, sliceRows(x, slice), "rgba32float");
    using second = more &&
      openOperand(device, sliceRows(more.x, slice), "rgba32float");
    for (const [group, w] of ws.entries()) {
      for (const [i, piece] of windowsOf(w, 0, w.rows).entries()) {
        using scales = openScales(device, piece.scales);
        const pair: SecondPair | undefined = second && (forward || i === 0)
          ? {
            a: second,
            b: oneWindow(more!.ws[group]!),
            bRow: forward ? piece.offset : 0,
            length: matrixShape(more!.x)[1],
          }
          : undefined;
        launchProduct(device, {
          ...plainProduct(
            c,
            slice.count,
            forward ? piece.rows : cols,
            forward ? length : piece.rows,
          ),
          mode,
          a,
          aCol: forward ? 0 : piece.offset,
          b: { ...w, store: piece.store, scales: scales.store },
          bRow: piece.first,
          cRow: cols,
          cFirst: forward ? piece.offset : 0,
          add: !forward && i > 0,
          more: pair,
          range: { starts, most, base: slice.first, group },
        });
      }
    }
  }
  return y;
}

function oneWindow(w: Matrix): Operand {
  const [window, ...others] = w.windows;
  if (window && others.length === 0) return { ...w, store: window.store };
  throw new RangeError(
    `Cannot use matrix "more": [${w.rows}, ${w.cols}] in ${w.windows.length} windows, expected one`,
  );
}

function commonShape(ws: readonly Matrix[]): [rows: number, cols: number] {
  const [first] = ws;
  const same = ws.every(({ rows, cols }) =>
    rows === first!.rows && cols === first!.cols
  );
  if (first && same) return [first.rows, first.cols];
  throw new TypeError(
    `Cannot multiply groups: matrices ${
      ws.map(({ rows, cols }) => `[${rows}, ${cols}]`).join(", ")
    }, expected one shape`,
  );
}
