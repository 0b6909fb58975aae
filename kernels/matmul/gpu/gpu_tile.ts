/**
 * The tiles of the matrix product for GPUs, and which of them a product takes. Knows no text and no
 * launch.
 */
import type { Device } from "../../device/device.ts";
import type { Product } from "../operands/operand.ts";

/** Outputs of an invocation, and words of four k that are loaded between two barriers. */
export interface GpuTileSize {
  readonly rows: 4 | 8;
  readonly cols: 4 | 8;
  readonly words: 4 | 8;
  /**
   * Whether the products of those words are written out one after the other, which some drivers do
   * not do with a loop.
   */
  readonly unrolled?: boolean;
}

/** What a text reads. Texts differ, since a device may bind no more than eight buffers. */
export interface GpuTile extends GpuTileSize {
  /** "nt" sums over rows of b, "nn" over its columns. */
  readonly mode: "nt" | "nn";
  /** Only rows [starts[group], starts[group + 1]), counted from row_base; without a bias. */
  readonly ranged?: boolean;
  /** b is codes, with scales. */
  readonly codes?: boolean;
}

/** All sizes, the smallest first; they sum in one order. */
const SIZES: readonly GpuTileSize[] = [
  { rows: 4, cols: 4, words: 4 },
  { rows: 4, cols: 4, words: 8 },
  { rows: 8, cols: 4, words: 4 },
  { rows: 8, cols: 8, words: 4 },
  { rows: 8, cols: 8, words: 4, unrolled: true },
  { rows: 8, cols: 8, words: 8 },
];

/**
 * A product with fewer workgroups takes the smallest tile: cards have 24 to 140 processors to fill.
 */
export const FEWEST_GROUPS = 128;

const sizes = new WeakMap<Device, readonly GpuTileSize[]>();

/** What tuning chooses among on a device, as far as its workgroup memory goes. */
export function gpuTileSizes(device: Device): readonly GpuTileSize[] {
  const known = sizes.get(device);
  if (known) return known;
  const { maxComputeWorkgroupStorageSize: most } = device.gpu.limits;
  const made = SIZES.filter((size) => gpuTileBytes(size) <= most);
  sizes.set(device, made);
  return made;
}

/** Every tile that a product may take. */
export function* everyGpuTile(): Generator<GpuTile> {
  for (const size of SIZES) {
    for (const mode of ["nt", "nn"] as const) {
      for (const ranged of [false, true]) {
        yield { ...size, mode, ranged, codes: false };
        yield { ...size, mode, ranged, codes: true };
      }
    }
  }
}

/** Outputs of a workgroup. */
export function gpuTileOutputs(
  { rows, cols }: GpuTileSize,
): [rows: number, cols: number] {
  return [16 * rows, 16 * cols];
}

/** A name such as `128x64x16`: rows, columns and k of a workgroup. */
export function gpuTileName(
  { rows, cols, words, unrolled = false }: GpuTileSize,
): string {
  const name = [16 * rows, 16 * cols, 4 * words].join("x");
  return unrolled ? `${name}_unrolled` : name;
}

/** Bytes of workgroup memory. */
function gpuTileBytes({ rows, cols, words }: GpuTileSize): number {
  return 16 * words * 16 * (rows + cols);
}

/** A tile, and how many of them a product has down and across. */
export interface GpuTiling {
  readonly size: GpuTileSize;
  readonly grid: readonly [down: number, across: number];
}

/**
 * The tile of a product, and its workgroups: the one that is wanted where the product is large
 * enough.
 */
export function gpuTiling(
  { rows, cols }: Pick<Product, "rows" | "cols">,
  wanted: GpuTileSize,
): GpuTiling {
  const gridOf = (size: GpuTileSize): [number, number] => {
    const [tileRows, tileCols] = gpuTileOutputs(size);
    return [Math.ceil(rows / tileRows), Math.ceil(cols / tileCols)];
  };
  const [down, across] = gridOf(wanted);
  const size = down * across < FEWEST_GROUPS ? SIZES[0]! : wanted;
  return { size, grid: gridOf(size) };
}
