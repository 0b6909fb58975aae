/**
 * The matrix product for CPU devices: launches the text of the tile that suits the sizes at hand.
 */
import type { Device } from "../../device/device.ts";
import { lanesOf } from "../../device/lanes.ts";
import { createShader } from "../../device/shader.ts";
import { type Product, rangeParams } from "../operands/operand.ts";
import text from "./matmul_cpu.wgsl" with { type: "text" };
import { CPU_PIECES } from "./pieces.ts";
import {
  type CpuTile,
  cpuTileOf,
  cpuTileOutputs,
  everyCpuTile,
} from "./cpu_tile.ts";

/** The kernels of the matrix product for CPU devices. */
export const matmulCpuShader = createShader<CpuTile>(
  { name: "matmul_cpu.wgsl", text, pieces: CPU_PIECES },
  {
    nameOf(tile) {
      const { mode, dtype, rows, rowLanes, cols, colLanes } = tile;
      const lanes = `${rows}x${rowLanes}_${cols}x${colLanes}`;
      const vectors = tile.vectors === "columns" ? "" : `_${tile.vectors}`;
      const adds = tile.adds ? "_adds" : "";
      return `matmul_cpu_${mode}_${dtype}_${lanes}${vectors}${adds}`;
    },
    valuesOf: (tile: CpuTile) => ({
      MODE: tile.mode,
      TYPE: tile.dtype,
      ROWS: tile.rows,
      ROW_LANES: tile.rowLanes,
      COLS: tile.cols,
      COL_LANES: tile.colLanes,
      VECTORS: tile.vectors,
      ADDS: tile.adds,
    }),
    used: everyCpuTile,
  },
);

/** Launches a product whose operands are flat textures. */
export function launchCpuProduct(
  device: Device,
  p: Product,
  tuned: number,
): void {
  const tile = cpuTileOf(p, { lanes: lanesOf(device), tuned });
  const [rows, cols] = cpuTileOutputs(tile);
  const { store: a } = p.a;
  const { store: b } = p.b;
  // what is not used must still be bound
  const none = device.allocate([1]);
  const bindings = {
    a,
    b,
    c: p.c,
    bias: p.bias ?? none,
    scale: p.scale ?? none,
    starts: p.range?.starts ?? none,
    more_a: p.more?.a.store ?? a,
    more_b: p.more?.b.store ?? b,
    // bound by the texts that read codes alone
    scales: p.b.scales ?? b,
  };
  const grid = [
    Math.ceil((p.range?.most ?? p.rows) / rows),
    Math.ceil(p.cols / cols),
  ] as const;
  device.launch(matmulCpuShader.kernel(tile), bindings, paramsOf(p), grid);
  device.release(none);
}

function paramsOf(p: Product) {
  return {
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
    factor: p.factor,
    scaled: Number(p.scale !== undefined),
    has_bias: Number(p.bias !== undefined),
    bias_first: p.biasFirst,
    more_length: p.more?.length ?? 0,
    more_a_word: 0,
    more_a_pitch: p.more?.a.pitch ?? 0,
    more_b_row: p.more?.bRow ?? 0,
    more_b_pitch: p.more?.b.pitch ?? 0,
    ranged: Number(p.range !== undefined),
    ...rangeParams(p),
  };
}
