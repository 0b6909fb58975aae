/**
 * The matrix product for GPUs: 64 x 64 to 128 x 128 outputs a workgroup from storage buffers
 * through workgroup memory; for the few rows of decoding, 8 columns a workgroup at the memory's
 * speed.
 */
import type { Device } from "../../device/device.ts";
import { foldedGrid } from "../../device/grid.ts";
import { createShader } from "../../device/shader.ts";
import type { Tensor } from "../../device/tensor.ts";
import { isCodeDType } from "../../matrix/codebooks.ts";
import { FORMATS } from "../../matrix/matrix_bytes.ts";
import {
  plainProduct,
  type Product,
  rangeParams,
} from "../operands/operand.ts";
import fewRowsText from "./few_rows_gpu.wgsl" with { type: "text" };
import {
  everyGpuTile,
  FEWEST_GROUPS,
  type GpuTile,
  gpuTileName,
  gpuTileSizes,
  type GpuTiling,
  gpuTiling,
} from "./gpu_tile.ts";
import text from "./matmul_gpu.wgsl" with { type: "text" };
import { GPU_PIECES } from "./pieces.ts";
import { type Parts, partsOf, sumParts } from "./split_sums.ts";

/** Columns of a workgroup of few_rows_gpu.wgsl. */
export const FEW_COLS = 8;

/** The kernels of the matrix product for GPUs. */
export const matmulGpuShader = createShader<GpuTile>(
  { name: "matmul_gpu.wgsl", text, pieces: GPU_PIECES },
  {
    nameOf(tile) {
      const ranged = tile.ranged ? "_ranged" : "";
      const codes = tile.codes ? "_codes" : "";
      return `matmul_gpu_${tile.mode}_${gpuTileName(tile)}${ranged}${codes}`;
    },
    valuesOf: (tile: GpuTile) => ({
      MODE: tile.mode,
      ROWS: tile.rows,
      COLS: tile.cols,
      WORDS: tile.words,
      UNROLLED: tile.unrolled ?? false,
      RANGED: tile.ranged ?? false,
      CODES: tile.codes ?? false,
    }),
    used: everyGpuTile,
  },
);

/** The kernel of the matrix product for few rows. */
export const fewRowsGpuShader = createShader(
  { name: "few_rows_gpu.wgsl", text: fewRowsText, pieces: GPU_PIECES },
  { nameOf: () => "few_rows_gpu", used: () => [{}] },
);

/** Launches a product whose operands are buffers. */
export function launchGpuProduct(
  device: Device,
  p: Product,
  tuned: number,
): void {
  const none = device.allocate([1]);
  launchTiles(device, p, { tuned, none });
  device.release(none);
}

/** Launches a product in tiles, in parts of its sum where its tiles are too few. */
function launchTiles(
  device: Device,
  p: Product,
  { tuned, none }: { readonly tuned: number; readonly none: Tensor },
): void {
  const rows = p.range?.most ?? p.rows;
  const wanted = gpuTileSizes(device)[tuned]!;
  const tiling = gpuTiling({ rows, cols: p.cols }, wanted);
  const [down, across] = tiling.grid;
  // a full card's sums are whole, in any tile: so all candidates give the same bits
  const isWhole = p.range !== undefined || down * across >= FEWEST_GROUPS;
  const room = isWhole ? 1 : device.windowBytes / (4 * p.rows * p.cols);
  const parts = partsOf(down * across, p.length, room);
  if (parts.count === 1) {
    launchParts(device, p, { ...tiling, parts, none });
    return;
  }
  sumParts(device, p, parts, (c) => {
    const { a, aCol, b, bRow, mode, more } = p;
    const part: Product = {
      ...plainProduct(c, p.rows, p.cols, p.length),
      a,
      aCol,
      b,
      bRow,
      mode,
      more,
      add: false,
      cRow: p.cols,
    };
    launchParts(device, part, { ...tiling, parts, none });
  });
}

function launchParts(
  device: Device,
  p: Product,
  { size, grid, parts, none }: GpuTiling & {
    readonly parts: Parts;
    readonly none: Tensor;
  },
): void {
  const kernel = matmulGpuShader.kernel({
    ...size,
    mode: p.mode,
    ranged: p.range !== undefined,
    codes: isCodeDType(p.b.dtype),
  });
  const constants = {
    FORMAT: FORMATS[p.b.dtype],
    FINISH: p.scale ? 2 : Number(p.add),
    BIAS: Number(p.bias !== undefined),
    MORE: Number(p.more !== undefined),
  };
  const bindings = {
    ...operandsOf(p),
    c: p.c,
    bias: p.bias ?? none,
    scale: p.scale ?? none,
    starts: p.range?.starts ?? none,
    scales: p.b.scales ?? none,
  };
  const params = {
    ...paramsOf(p),
    ...rangeParams(p),
    rows: p.rows,
    part_words: parts.words,
    c_part: p.rows * p.cols,
  };
  const groups = [...grid, parts.count] as const;
  device.launch(kernel, bindings, params, groups, { constants });
}

/** Launches a product of at most FEW_ROWS rows whose operands are buffers. */
export function launchFewRowsProduct(device: Device, p: Product): void {
  const none = device.allocate([1]);
  const constants = {
    FORMAT: FORMATS[p.b.dtype],
    ROWS: p.rows,
    FINISH: Number(p.add),
    BIAS: Number(p.bias !== undefined),
    MORE: Number(p.more !== undefined),
  };
  const bindings = {
    ...operandsOf(p),
    c: p.c,
    bias: p.bias ?? none,
    scales: p.b.scales ?? none,
  };
  const grid = foldedGrid(Math.ceil(p.cols / FEW_COLS));
  const kernel = fewRowsGpuShader.kernel({});
  device.launch(kernel, bindings, paramsOf(p), grid, { constants });
  device.release(none);
}

/** Both pairs of operands; what is not used must still be bound. */
function operandsOf({ a, b, more }: Product) {
  return {
    a: a.store,
    b: b.store,
    more_a: more?.a.store ?? a.store,
    more_b: more?.b.store ?? b.store,
  };
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
    factor: p.factor,
    more_length: p.more?.length ?? 0,
    more_a_pitch: p.more?.a.pitch ?? 0,
    more_b_row: p.more?.bRow ?? 0,
    more_b_pitch: p.more?.b.pitch ?? 0,
  };
}
