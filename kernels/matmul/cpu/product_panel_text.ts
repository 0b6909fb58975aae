/**
 * Writes the text of the panel product, the one kernel that is not a file: on a CPU adapter it is fast only when
 * every product of a tile is spelled out and every textureLoad stands before the first multiply-add, and the
 * tile's size must suit the operands.
 *
 * A workgroup is the lanes of a vector register, laid out rowLanes x colLanes; an invocation owns rows x cols outputs
 * in registers, its rows neighbours. No workgroup memory, no barrier. Operands are flat textures: word i at (i % 512, i / 512).
 * Most of what is added to the sums is known at the launch only: each text costs the driver about a second at its first use.
 * Whether c's old contents count is baked in: lavapipe walks over the lanes of a load even if none of them is to read.
 */
import { isCodeDType } from "../../matrix/codebooks.ts";
import type { MatrixDType } from "../../matrix/matrix_bytes.ts";
import { codeFunctions, codeLoop, SCALES } from "./product_panel_codes.ts";
import {
  column,
  each,
  panelFunctions,
  panelLoops,
} from "./product_panel_loops.ts";

/** Outputs of an invocation, `cols` a multiple of 4, and how the lanes of a register are laid out. */
export interface TileShape {
  readonly rows: number;
  readonly cols: number;
  readonly rowLanes: number;
  readonly colLanes: number;
}

/** What the loops over the reduction are written for. */
export interface LoopTile extends TileShape {
  readonly mode: "nt" | "nn";
}

/** What is baked into the text. */
export interface PanelTile extends LoopTile {
  /** Type of b; a is f32. */
  readonly dtype: MatrixDType;
  /**
   * Neighbours in c that are stored four at a time, which costs a CPU adapter a third: their stride is 1, their number
   * and the other stride are multiples of 4. "rows" wants a multiple of 4 rows.
   */
  readonly vectors: "columns" | "rows" | "none";
  /** Whether what c held is added, its rows by `scale` where the param `scaled` is 1. */
  readonly adds: boolean;
}

/** A name for the pipeline cache. */
export function panelTileName(t: PanelTile): string {
  const lanes = `${t.rows}x${t.rowLanes}_${t.cols}x${t.colLanes}`;
  const vectors = t.vectors === "columns" ? "" : `_${t.vectors}`;
  const adds = t.adds ? "_adds" : "";
  return `product_${t.mode}_${t.dtype}_${lanes}${vectors}${adds}`;
}

/** Outputs of a workgroup. */
export function panelTileSize(t: TileShape): [rows: number, cols: number] {
  return [t.rows * t.rowLanes, t.cols * t.colLanes];
}

/** The complete WGSL text of a tile. */
export function panelProductText(t: PanelTile): string {
  const [rows, cols] = panelTileSize(t);
  const codes = isCodeDType(t.dtype) ? t.dtype : undefined;
  return `// c[i, j] = ${
    t.adds ? "(scale[i]) c[i, j] + " : ""
  }factor (sum_k a[i, k] ${
    t.mode === "nt" ? "b[j, k]" : "b[k, j]"
  }, the same of a second pair, and bias[j])      one workgroup per ${rows} x ${cols} outputs
struct Params {
  rows: u32, cols: u32, length: u32, a_word: u32, a_pitch: u32, b_row: u32, b_pitch: u32,
  c_row: u32, c_col: u32, c_first: u32, scaled: u32, has_bias: u32, bias_first: u32,
  more_length: u32, more_a_word: u32, more_a_pitch: u32, more_b_row: u32, more_b_pitch: u32,
  ranged: u32, group: u32, row_base: u32, factor: f32
}
@group(0) @binding(0) var a: texture_storage_2d<rgba32float, read>;      // [rows, length], flat
@group(0) @binding(1) var b: texture_storage_2d<rgba32uint, read>;       // [cols, length] or [length, cols], flat
@group(0) @binding(2) var<storage, read_write> c: array<${
    t.vectors === "none" ? "f32" : "vec4f"
  }>;      // [rows, cols] by strides
@group(0) @binding(3) var<uniform> params: Params;
@group(0) @binding(4) var<storage, read> bias: array<f32>;               // [bias_first + cols]
@group(0) @binding(5) var<storage, read> scale: array<f32>;              // [rows]
@group(0) @binding(6) var more_a: texture_storage_2d<rgba32float, read>; // [rows, more_length], flat
@group(0) @binding(7) var more_b: texture_storage_2d<rgba32uint, read>;  // as b in f32, flat
@group(0) @binding(8) var<storage, read> starts: array<u32>;             // [groups + 1]
${codes ? SCALES : ""}
${panelFunctions(t.dtype)}
${codes ? codeFunctions(codes) : ""}
@compute @workgroup_size(${t.rowLanes * t.colLanes})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  var base = 0u;
  var end_row = params.rows;
  if (params.ranged == 1u) {
    base = max(starts[params.group], params.row_base) - params.row_base;
    end_row = min(max(starts[params.group + 1u], params.row_base) - params.row_base, params.rows);
  }
  let first_row = base + group.x * ${rows}u + lane / ${t.colLanes}u * ${t.rows}u;
  if (base + group.x * ${rows}u >= end_row) { return; }
  let first_col = group.y * ${cols}u;
  let col_lane = lane % ${t.colLanes}u;
${each(t.rows, (r) => each(t.cols, (c) => `  var s${r}_${c} = 0.0;`))}
${panelLoops(t, codes && codeLoop(t))}
  if (params.has_bias == 1u) {
${each(t.cols, (c) => addBias(t, c))}
  }
${t.vectors === "rows" ? storeColumns(t) : storeRows(t)}
}
`;
}

function addBias(t: PanelTile, c: number): string {
  const place = `params.bias_first + min(${column(t, c)}, params.cols - 1u)`;
  return `    let bias${c} = bias[${place}];
${each(t.rows, (r) => `    s${r}_${c} = s${r}_${c} + bias${c};`)}`;
}

/**
 * A loop over the rows of a tile, which picks their sums: written out, the stores would take the driver three times as
 * long to compile as all products.
 */
function storeRows(t: PanelTile): string {
  const quad = (q: number) =>
    pick(t.rows, (r) => `vec4f(${fours(4 * q, (c) => `s${r}_${c}`)})`);
  return `  for (var i = 0u; i < ${t.rows}u; i++) {
    let row = first_row + i;
    if (row >= end_row) { break; }
    ${keptLine(t, "f32", "scale[row]")}
    let at = params.c_first + row * params.c_row;
${
    each(t.cols / 4, (q) =>
      `    let col${q} = ${column(t, 4 * q)};
    if (col${q} < params.cols) {
      let value = params.factor * ${quad(q)};
${
        t.vectors === "none"
          ? storeSingly(t, q)
          : storeVector(t, `(at + col${q}) / 4u`)
      }
    }`)
  }
  }`;
}

/** As storeRows(), for c whose rows are neighbours. */
function storeColumns(t: PanelTile): string {
  const quad = (q: number) =>
    pick(t.cols, (c) => `vec4f(${fours(4 * q, (r) => `s${r}_${c}`)})`);
  return `  for (var i = 0u; i < ${t.cols}u; i++) {
    let col = first_col + col_lane * 4u + i / 4u * ${4 * t.colLanes}u + i % 4u;
    if (col < params.cols) {
      let at = params.c_first + col * params.c_col;
${
    each(t.rows / 4, (q) =>
      `      let row${q} = first_row + ${4 * q}u;
      if (row${q} < params.rows) {
        ${
        keptLine(
          t,
          "vec4f",
          `vec4f(${fours(0, (j) => `scale[row${q} + ${j}u]`)})`,
        )
      }
        let value = params.factor * ${quad(q)};
${storeVector(t, `(at + row${q}) / 4u`)}
      }`)
  }
    }
  }`;
}

/** How much of what c held counts, if anything does. */
function keptLine(
  { adds }: PanelTile,
  type: "f32" | "vec4f",
  scale: string,
): string {
  if (!adds) return "";
  return `var kept = ${type}(1.0); if (params.scaled == 1u) { kept = ${scale}; }`;
}

function storeVector({ adds }: PanelTile, place: string): string {
  const value = adds ? `value + kept * c[${place}]` : "value";
  return `      c[${place}] = ${value};`;
}

function storeSingly({ adds }: PanelTile, q: number): string {
  const value = (x: string) =>
    adds ? `value.${x} + kept * c[place]` : `value.${x}`;
  return each(4, (j) =>
    `      if (col${q} + ${j}u < params.cols) {
        let place = at + (col${q} + ${j}u) * params.c_col;
        c[place] = ${value("xyzw"[j]!)};
      }`);
}

/** The i-th of `count` values, by halving. */
function pick(count: number, value: (i: number) => string, first = 0): string {
  if (count === 1) return value(first);
  const low = Math.ceil(count / 2);
  return `select(${pick(low, value, first)}, ${
    pick(count - low, value, first + low)
  }, i >= ${first + low}u)`;
}

function fours(first: number, value: (i: number) => string): string {
  return [0, 1, 2, 3].map((j) => value(first + j)).join(", ");
}
