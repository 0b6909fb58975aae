/** The sizes of the matrix product for GPUs, and what they come to. Knows no text and no device. */

/** Outputs of an invocation, and words of four k that are loaded between two barriers. */
export interface TileSize {
  readonly rows: 4 | 8;
  readonly cols: 4 | 8;
  readonly words: 4 | 8;
  /** Whether the products of those words are written out one after the other, which some drivers do not do with a loop. */
  readonly unrolled?: boolean;
}

/** "nt" sums over rows of b, "nn" over its columns. */
export type TileMode = "nt" | "nn";

/** Outputs of a workgroup. */
export function tileOutputs({ rows, cols }: TileSize): [number, number] {
  return [16 * rows, 16 * cols];
}

/** A name for files and lines, such as `128x64x16`: rows, columns and k of a workgroup. */
export function tileName(
  { rows, cols, words, unrolled = false }: TileSize,
): string {
  const name = [16 * rows, 16 * cols, 4 * words].join("x");
  return unrolled ? `${name}_unrolled` : name;
}

/** Bytes of workgroup memory. */
export function tileBytes({ rows, cols, words }: TileSize): number {
  return 16 * words * 16 * (rows + cols);
}
