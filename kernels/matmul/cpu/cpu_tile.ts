/**
 * The tiles of the matrix product for CPU devices, and which of them a product takes. Knows no text
 * and no launch.
 */
import type { Lanes } from "../../device/lanes.ts";
import { FEW_ROWS } from "../../device/paths.ts";
import type { MatrixDType } from "../../matrix/matrix_bytes.ts";
import type { Product } from "../operands/operand.ts";

/**
 * Outputs of an invocation, `cols` a multiple of 4, and how the lanes of a register are laid out.
 */
export interface CpuTileShape {
  readonly rows: number;
  readonly cols: number;
  readonly rowLanes: number;
  readonly colLanes: number;
}

/** What is part of the text. */
export interface CpuTile extends CpuTileShape {
  readonly mode: "nt" | "nn";
  /** Type of b; a is f32. */
  readonly dtype: MatrixDType;
  /**
   * Neighbours in c that are stored four at a time, which saves a CPU a third of the time. Their
   * stride is 1, and their number and the other stride are multiples of 4. "rows" wants a multiple
   * of 4 rows.
   */
  readonly vectors: "columns" | "rows" | "none";
  /** Whether what c held is added, its rows by `scale` where the param `scaled` is 1. */
  readonly adds: boolean;
}

/** Outputs of a workgroup. */
export function cpuTileOutputs(t: CpuTileShape): [rows: number, cols: number] {
  return [t.rows * t.rowLanes, t.cols * t.colLanes];
}

/**
 * What tuning chooses among for operands that are not narrow, the usual first. All sum in one
 * order. With sixteen lanes the loop of 16 rows outgrows the instruction cache (36 KB), and 12 rows
 * are a tenth faster.
 */
export function cpuTileShapes(lanes: Lanes): CpuTileShape[] {
  const heights = lanes === 16 ? [12, 16, 8] : [16, 12, 8];
  return heights.map((rows) => ({
    rows,
    rowLanes: lanes / 8,
    cols: 16,
    colLanes: 8,
  }));
}

/**
 * One or two answers that grow: every row more is a load more a step, so there is a tile for each.
 */
export function fewRowsShape(rows: number, lanes: Lanes): CpuTileShape {
  return {
    rows: rows <= 2 ? rows : FEW_ROWS,
    rowLanes: 1,
    cols: 8,
    colLanes: lanes,
  };
}

/** A low rank: all lanes have the same columns. */
function narrowShape(lanes: Lanes): CpuTileShape {
  return { rows: 8, rowLanes: lanes, cols: 16, colLanes: 1 };
}

/**
 * The tile of a product: the tuned one, or others where an operand is narrow, as of one decoded
 * token or a low rank.
 */
export function cpuTileOf(
  p: Product,
  { lanes, tuned }: { readonly lanes: Lanes; readonly tuned: number },
): CpuTile {
  const shape = shapeOf(p, lanes, tuned);
  return {
    ...shape,
    mode: p.mode,
    dtype: p.b.dtype,
    vectors: vectorsOf(p, shape),
    adds: p.add,
  };
}

function shapeOf(p: Product, lanes: Lanes, tuned: number): CpuTileShape {
  const rows = p.range?.most ?? p.rows;
  if (rows <= FEW_ROWS) return fewRowsShape(rows, lanes);
  if (p.cols <= 16) return narrowShape(lanes);
  return cpuTileShapes(lanes)[tuned]!;
}

function vectorsOf(p: Product, shape: CpuTileShape): CpuTile["vectors"] {
  const fours = (...numbers: number[]) => numbers.every((n) => n % 4 === 0);
  if (p.cCol === 1 && fours(p.cols, p.cRow, p.cFirst)) return "columns";
  const rows = !p.range && p.cRow === 1 && fours(p.rows, p.cCol, p.cFirst);
  return rows && fours(shape.rows) ? "rows" : "none";
}

/** Every tile that a product may take. */
export function* everyCpuTile(): Generator<CpuTile> {
  const shapes = ([8, 16] as const).flatMap((lanes) => [
    ...cpuTileShapes(lanes),
    ...[1, 2, FEW_ROWS].map((rows) => fewRowsShape(rows, lanes)),
    narrowShape(lanes),
  ]);
  for (const shape of shapes) {
    for (const mode of ["nt", "nn"] as const) {
      for (
        const dtype of ["f32", "bf16", "f16", "int8", "nf4", "fp4"] as const
      ) {
        for (const vectors of ["columns", "rows", "none"] as const) {
          if (vectors === "rows" && shape.rows % 4 !== 0) continue;
          yield { ...shape, mode, dtype, vectors, adds: false };
          yield { ...shape, mode, dtype, vectors, adds: true };
        }
      }
    }
  }
}
