/**
 * The matrix product for GPUs: 64 x 64 to 128 x 128 outputs a workgroup from storage buffers through workgroup memory;
 * for the few rows of decoding, 8 columns a workgroup at the memory's speed.
 */
import type { Device } from "../../device/device.ts";
import { defineKernel, type Kernel } from "../../device/kernel.ts";
import { isCodeDType } from "../../matrix/codebooks.ts";
import type { MatrixDType } from "../../matrix/matrix_bytes.ts";
import { foldedGrid } from "../../device/grid.ts";
import { plainProduct, type Product, rangeParams } from "../product.ts";
import { chosenProduct } from "../chosen_tile.ts";
import { type Parts, partsOf, sumParts } from "./split_sums.ts";
import fewSource from "./product_few.wgsl" with { type: "text" };
import {
  tileBytes,
  tileName,
  tileOutputs,
  type TileSize,
} from "./tile_size.ts";
import { type TileKind, tileProductText } from "./product_tile_text.ts";
import type { Tensor } from "../../device/tensor.ts";

const fewKernel = defineKernel("product_few", fewSource);

/** The override `FORMAT` of kernels that read matrices. */
export const FORMATS: Record<MatrixDType, number> = {
  ...{ f32: 0, bf16: 1, f16: 2 },
  ...{ int8: 3, nf4: 4, fp4: 4 },
};

const TILE_SIZES: readonly TileSize[] = [
  { rows: 4, cols: 4, words: 4 },
  { rows: 4, cols: 4, words: 8 },
  { rows: 8, cols: 4, words: 4 },
  { rows: 8, cols: 8, words: 4 },
  { rows: 8, cols: 8, words: 4, unrolled: true },
  { rows: 8, cols: 8, words: 8 },
];
/** A product with fewer workgroups takes the smallest tile: cards have 24 to 140 processors to fill. */
const FEWEST_GROUPS = 128;
const FEW_ROWS = 4;
/** Columns of a workgroup of product_few.wgsl. */
export const FEW_COLS = 8;

/** What tuning chooses among on a device, as far as its workgroup memory goes. All sum in one order. */
export function tileSizes(device: Device): readonly TileSize[] {
  const known = sizes.get(device);
  if (known) return known;
  const { maxComputeWorkgroupStorageSize: most } = device.gpu.limits;
  const made = TILE_SIZES.filter((size) => tileBytes(size) <= most);
  sizes.set(device, made);
  return made;
}

/** Launches a product whose operands are buffers. */
export function launchTileProduct(device: Device, p: Product): void {
  const none = device.allocate([1]);
  const few = p.mode === "nt" && p.rows <= FEW_ROWS && !p.scale && !p.range;
  if (few) launchFewRows(device, p, none);
  else launchTiles(device, p, none);
  device.release(none);
}

const kernels = new Map<string, Kernel>();
const sizes = new WeakMap<Device, readonly TileSize[]>();

function kernelOf(kind: TileKind, size: TileSize): Kernel {
  const { mode, ranged, codes } = kind;
  const reads = `${ranged ? "_ranged" : ""}${codes ? "_codes" : ""}`;
  const name = `product_${mode}_${tileName(size)}${reads}`;
  const known = kernels.get(name);
  if (known) return known;
  const made = defineKernel(name, tileProductText(kind, size));
  kernels.set(name, made);
  return made;
}

/** Launches a product in tiles, in parts of its sum where its tiles are too few. */
function launchTiles(device: Device, p: Product, none: Tensor): void {
  const rows = p.range?.most ?? p.rows;
  const wanted = tileSizes(device)[chosenProduct(device)]!;
  const tiling = chooseTile({ rows, cols: p.cols }, wanted);
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
    const plain = plainProduct(c, p.rows, p.cols, p.length);
    const { a, aCol, b, bRow, mode, more } = p;
    const part = { a, aCol, b, bRow, mode, more, add: false, cRow: p.cols };
    const kind = { ...tiling, parts, none };
    launchParts(device, { ...plain, ...part }, kind);
  });
}

function launchParts(
  device: Device,
  p: Product,
  { size, grid, parts, none }: Tiling & {
    readonly parts: Parts;
    readonly none: Tensor;
  },
): void {
  const { store: a } = p.a;
  const { store: b } = p.b;
  const { bias = none, scale = none } = p;
  const { scales = none } = p.b;
  const constants = {
    FORMAT: FORMATS[p.b.dtype],
    FINISH: p.scale ? 2 : Number(p.add),
    BIAS: Number(p.bias !== undefined),
    MORE: Number(p.more !== undefined),
  };
  const starts = p.range?.starts ?? none;
  const second = secondOf(p);
  const bindings = { a, b, c: p.c, bias, scale, starts, scales, ...second };
  const params = {
    ...{ rows: p.rows, ...paramsOf(p), ...rangeParams(p) },
    ...{ part_words: parts.words, c_part: p.rows * p.cols },
  };
  const kind = {
    mode: p.mode,
    ranged: p.range !== undefined,
    codes: isCodeDType(p.b.dtype),
  };
  const groups = [...grid, parts.count] as const;
  device.launch(kernelOf(kind, size), bindings, params, groups, { constants });
}

/** A tile, and how many of them a product has down and across. */
interface Tiling {
  readonly size: TileSize;
  readonly grid: readonly [number, number];
}

/** The tile of a product, and its workgroups: the one that is wanted where the product is large enough. */
export function chooseTile(
  { rows, cols }: Pick<Product, "rows" | "cols">,
  wanted: TileSize,
): Tiling {
  const gridOf = (size: TileSize): [number, number] => {
    const [tileRows, tileCols] = tileOutputs(size);
    return [Math.ceil(rows / tileRows), Math.ceil(cols / tileCols)];
  };
  const [down, across] = gridOf(wanted);
  const size = down * across < FEWEST_GROUPS ? TILE_SIZES[0]! : wanted;
  return { size, grid: gridOf(size) };
}

function launchFewRows(device: Device, p: Product, none: Tensor): void {
  const { store: a } = p.a;
  const { store: b } = p.b;
  const constants = {
    FORMAT: FORMATS[p.b.dtype],
    ROWS: p.rows,
    FINISH: Number(p.add),
    BIAS: Number(p.bias !== undefined),
    MORE: Number(p.more !== undefined),
  };
  const grid = foldedGrid(Math.ceil(p.cols / FEW_COLS));
  const { scales = none } = p.b;
  const { bias = none } = p;
  const bindings = { a, b, c: p.c, bias, scales, ...secondOf(p) };
  device.launch(fewKernel, bindings, paramsOf(p), grid, { constants });
}

/** The second pair of operands; what is not used must still be bound. */
function secondOf({ a, b, more }: Product) {
  return {
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
