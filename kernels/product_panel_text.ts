/**
 * Writes the text of the panel product, the one kernel that is not a file: on a CPU adapter it is fast only when
 * every product of a tile is spelled out and every textureLoad stands before the first multiply-add, and the
 * tile's size must suit the operands.
 *
 * A workgroup is the eight lanes of a vector register, laid out rowLanes x colLanes; an invocation owns rows x cols
 * outputs in registers. No workgroup memory, no barrier. Operands are flat textures: word i at (i % 512, i / 512).
 */
import type { MatrixDType } from "./matrix_bytes.ts";
import {
  column,
  each,
  panelFunctions,
  panelLoops,
} from "./product_panel_loops.ts";

/** Outputs of an invocation, `cols` a multiple of 4, and how the eight lanes are laid out. */
export interface TileShape {
  readonly rows: number;
  readonly cols: number;
  readonly rowLanes: number;
  readonly colLanes: number;
}

/** What is baked into the text. */
export interface PanelTile extends TileShape {
  readonly mode: "nt" | "nn";
  /** Type of b; a is f32. */
  readonly dtype: MatrixDType;
  /** What is done with the sum: overwrite c, add to it, or scale its row and add. */
  readonly finish: "set" | "add" | "scaled";
  readonly bias: boolean;
  /** A second, f32 pair of operands is summed too. */
  readonly more: boolean;
  /**
   * Neighbours in c that are stored four at a time, which costs a CPU adapter a third: their stride is 1, their number
   * and the other stride are multiples of 4. "rows" wants one row lane.
   */
  readonly vectors: "columns" | "rows" | "none";
}

/** A name for the pipeline cache. */
export function panelTileName(t: PanelTile): string {
  const lanes = `${t.rows}x${t.rowLanes}_${t.cols}x${t.colLanes}`;
  return `product_${t.mode}_${t.dtype}_${lanes}_${t.finish}${
    t.bias ? "_bias" : ""
  }${t.more ? "_more" : ""}${t.vectors === "columns" ? "" : `_${t.vectors}`}`;
}

/** Outputs of a workgroup. */
export function panelTileSize(t: TileShape): [rows: number, cols: number] {
  return [t.rows * t.rowLanes, t.cols * t.colLanes];
}

/** The complete WGSL text of a tile. */
export function panelProductText(t: PanelTile): string {
  const [rows, cols] = panelTileSize(t);
  return `// c[i, j] = sum_k a[i, k] ${
    t.mode === "nt" ? "b[j, k]" : "b[k, j]"
  }${
    t.more ? ", and the same of the second pair" : ""
  }      one workgroup per ${rows} x ${cols} outputs
struct Params {
  rows: u32, cols: u32, length: u32, a_word: u32, a_pitch: u32, b_row: u32, b_pitch: u32,
  c_row: u32, c_col: u32, c_first: u32, bias_first: u32,
  more_length: u32, more_a_word: u32, more_a_pitch: u32, more_b_row: u32, more_b_pitch: u32
}
@group(0) @binding(0) var a: texture_storage_2d<rgba32float, read>;  // [rows, length], flat
@group(0) @binding(1) var b: texture_storage_2d<rgba32uint, read>;   // [cols, length] or [length, cols], flat
@group(0) @binding(2) var<storage, read_write> c: array<${
    t.vectors === "none" ? "f32" : "vec4f"
  }>;      // [rows, cols] by strides
@group(0) @binding(3) var<uniform> params: Params;
${
    t.bias
      ? "@group(0) @binding(4) var<storage, read> bias: array<f32>;       // [cols]\n"
      : ""
  }${
    t.more
      ? "@group(0) @binding(6) var more_a: texture_storage_2d<rgba32float, read>; // [rows, more_length], flat\n@group(0) @binding(7) var more_b: texture_storage_2d<rgba32uint, read>;  // as b, flat\n"
      : ""
  }${
    t.finish === "scaled"
      ? "@group(0) @binding(5) var<storage, read> scale: array<f32>;      // [rows]\n"
      : ""
  }
${panelFunctions(t.dtype)}
@compute @workgroup_size(8)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  let first_row = group.x * ${rows}u + lane / ${t.colLanes}u;
  let first_col = group.y * ${cols}u;
  let col_lane = lane % ${t.colLanes}u;
${each(t.rows, (r) => each(t.cols, (c) => `  var s${r}_${c} = 0.0;`))}
${panelLoops(t)}
${stores(t)}
}
`;
}

function stores(t: PanelTile): string {
  const bias = (c: number) =>
    `  let bias${c} = bias[params.bias_first + min(${
      column(t, c)
    }, params.cols - 1u)];`;
  return `${t.bias ? each(t.cols, bias) : ""}
${each(t.cols, (c) => `  let col${c} = ${column(t, c)};`)}
${each(t.rows, (r) => `  let row${r} = first_row + ${r * t.rowLanes}u;`)}
${
    t.finish === "scaled"
      ? each(
        t.rows,
        (r) => `  let scale${r} = scale[min(row${r}, params.rows - 1u)];`,
      )
      : ""
  }
${t.vectors === "rows" ? storesByRows(t) : storesByColumns(t)}`;
}

function storesByColumns(t: PanelTile): string {
  const step = t.vectors === "none" ? 1 : 4;
  const one = (r: number, c: number) =>
    store(t, `col${c} < params.cols`, `at${r} + col${c} * params.c_col`, {
      sums: range(step).map((j) => sum(t, r, c + j)),
      scale: `scale${r}`,
    });
  return each(t.rows, (r) =>
    `  if (row${r} < params.rows) {
    let at${r} = params.c_first + row${r} * params.c_row;
${each(t.cols / step, (q) => one(r, q * step))}
  }`);
}

function storesByRows(t: PanelTile): string {
  const one = (r: number, c: number) =>
    store(t, `row${r} < params.rows`, `at${c} + row${r} * params.c_row`, {
      sums: range(4).map((j) => sum(t, r + j, c)),
      scale: `vec4f(${range(4).map((j) => `scale${r + j}`).join(", ")})`,
    });
  return each(t.cols, (c) =>
    `  if (col${c} < params.cols) {
    let at${c} = params.c_first + col${c} * params.c_col;
${each(t.rows / 4, (q) => one(q * 4, c))}
  }`);
}

function sum(t: PanelTile, r: number, c: number): string {
  return `s${r}_${c}${t.bias ? ` + bias${c}` : ""}`;
}

function store(
  t: PanelTile,
  condition: string,
  element: string,
  { sums, scale }: { sums: readonly string[]; scale: string },
): string {
  const single = sums.length === 1;
  const place = `c[${single ? element : `(${element}) / 4u`}]`;
  const value = single ? sums[0] : `vec4f(${sums.join(", ")})`;
  const old = { set: "", add: ` + ${place}`, scaled: ` + ${scale} * ${place}` };
  return `    if (${condition}) { ${place} = ${value}${old[t.finish]}; }`;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
