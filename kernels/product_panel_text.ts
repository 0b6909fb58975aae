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

/** What is baked into the text. */
export interface PanelTile {
  readonly mode: "nt" | "nn";
  /** Type of b; a is f32. */
  readonly dtype: MatrixDType;
  /** Outputs of an invocation; `cols` is a multiple of 4. */
  readonly rows: number;
  readonly cols: number;
  readonly rowLanes: number;
  readonly colLanes: number;
  /** What is done with the sum: overwrite c, add to it, or scale its row and add. */
  readonly finish: "set" | "add" | "scaled";
  readonly bias: boolean;
  /** A second, f32 pair of operands is summed too. */
  readonly more: boolean;
  /** c is stored four columns at a time, which costs a CPU adapter a third: its columns and strides are multiples of 4. */
  readonly vectors: boolean;
}

/** A name for the pipeline cache. */
export function panelTileName(t: PanelTile): string {
  const lanes = `${t.rows}x${t.rowLanes}_${t.cols}x${t.colLanes}`;
  return `product_${t.mode}_${t.dtype}_${lanes}_${t.finish}${
    t.bias ? "_bias" : ""
  }${t.more ? "_more" : ""}${t.vectors ? "" : "_single"}`;
}

/** Outputs of a workgroup. */
export function panelTileSize(t: PanelTile): [rows: number, cols: number] {
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
    t.vectors ? "vec4f" : "f32"
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
  const store = t.vectors ? storeVector : storeOne;
  const step = t.vectors ? 4 : 1;
  return `${t.bias ? each(t.cols, bias) : ""}
${each(t.cols / step, (q) => `  let col${q * step} = ${column(t, q * step)};`)}
${
    each(t.rows, (r) =>
      `  let row${r} = first_row + ${r * t.rowLanes}u;
  if (row${r} < params.rows) {
    let at${r} = params.c_first + row${r} * params.c_row;
${t.finish === "scaled" ? `    let scale${r} = scale[row${r}];` : ""}
${each(t.cols / step, (q) => store(t, r, q * step))}
  }`)
  }`;
}

function sum(t: PanelTile, r: number, c: number): string {
  return `s${r}_${c}${t.bias ? ` + bias${c}` : ""}`;
}

function storeAt(
  t: PanelTile,
  r: number,
  c: number,
  place: string,
  value: string,
): string {
  const old = {
    set: "",
    add: ` + ${place}`,
    scaled: ` + scale${r} * ${place}`,
  };
  return `    if (col${c} < params.cols) { ${place} = ${value}${
    old[t.finish]
  }; }`;
}

function storeOne(t: PanelTile, r: number, c: number): string {
  return storeAt(t, r, c, `c[at${r} + col${c} * params.c_col]`, sum(t, r, c));
}

function storeVector(t: PanelTile, r: number, c: number): string {
  const values = [0, 1, 2, 3].map((j) => sum(t, r, c + j)).join(", ");
  return storeAt(t, r, c, `c[(at${r} + col${c}) / 4u]`, `vec4f(${values})`);
}
