/** The matrix product for CPU adapters: chooses a tile for the sizes at hand and launches its text. */
import type { Device } from "../../device/device.ts";
import { defineKernel, type Kernel } from "../../device/kernel.ts";
import { type Lanes, lanesOf } from "../../device/lanes.ts";
import { type Product, rangeParams } from "../product.ts";
import { chosenProduct } from "../chosen_tile.ts";
import {
  panelProductText,
  type PanelTile,
  panelTileName,
  panelTileSize,
  type TileShape,
} from "./product_panel_text.ts";

/**
 * What tuning chooses among for operands that are not narrow, the usual first. All sum in one order. With sixteen
 * lanes the loop of 16 rows outgrows the instruction cache (36 KB), and 12 rows are a tenth faster.
 */
export function panelShapes(lanes: Lanes): TileShape[] {
  const heights = lanes === 16 ? [12, 16, 8] : [16, 12, 8];
  return heights.map((rows) => ({
    ...{ rows, rowLanes: lanes / 8, cols: 16, colLanes: 8 },
  }));
}

/** Rows that have tiles of their own. */
export const FEW_ROWS = 4;

const kernels = new Map<string, Kernel>();

function kernelOf(tile: PanelTile): Kernel {
  const name = panelTileName(tile);
  const known = kernels.get(name);
  if (known) return known;
  const made = defineKernel(name, panelProductText(tile));
  kernels.set(name, made);
  return made;
}

/** Launches a product whose operands are flat textures. */
export function launchPanelProduct(device: Device, p: Product): void {
  const tile = chooseTile(device, p);
  const [rows, cols] = panelTileSize(tile);
  const { store: a } = p.a;
  const { store: b } = p.b;
  const none = device.allocate([1]);
  const { bias = none, scale = none } = p;
  // what is not used must still be bound
  const second = {
    more_a: p.more?.a.store ?? a,
    more_b: p.more?.b.store ?? b,
  };
  const starts = p.range?.starts ?? none;
  // bound by the texts that read codes alone
  const { scales = b } = p.b;
  const bindings = { a, b, c: p.c, bias, scale, starts, ...second, scales };
  const grid = [
    Math.ceil((p.range?.most ?? p.rows) / rows),
    Math.ceil(p.cols / cols),
  ] as const;
  device.launch(kernelOf(tile), bindings, paramsOf(p), grid);
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

/** The chosen tile, others where an operand is narrow: one decoded token, or a low rank. */
function chooseTile(device: Device, p: Product): PanelTile {
  const shape = chooseShape(p, lanesOf(device), chosenProduct(device));
  return {
    ...shape,
    mode: p.mode,
    dtype: p.b.dtype,
    vectors: chooseVectors(p, shape),
    adds: p.add,
  };
}

/** One or two answers that grow: every row more is a load more a step, so there is a tile for each. */
export function fewRowsShape(rows: number, lanes: Lanes): TileShape {
  return {
    ...{ rows: rows <= 2 ? rows : FEW_ROWS, rowLanes: 1 },
    ...{ cols: 8, colLanes: lanes },
  };
}

function chooseShape(
  p: Product,
  lanes: Lanes,
  chosen: number,
): TileShape {
  const { cols } = p;
  const rows = p.range?.most ?? p.rows;
  if (rows <= FEW_ROWS) return fewRowsShape(rows, lanes);
  if (cols <= 16) return { rows: 8, rowLanes: lanes, cols: 16, colLanes: 1 };
  return panelShapes(lanes)[chosen]!;
}

function chooseVectors(p: Product, shape: TileShape): PanelTile["vectors"] {
  const fours = (...numbers: number[]) => numbers.every((n) => n % 4 === 0);
  if (p.cCol === 1 && fours(p.cols, p.cRow, p.cFirst)) return "columns";
  const rows = !p.range && p.cRow === 1 && fours(p.rows, p.cCol, p.cFirst);
  return rows && fours(shape.rows) ? "rows" : "none";
}
