/**
 * Writes the text of the panel product, the one kernel that is not a file: on a CPU adapter it is fast only when
 * every product of a tile is spelled out and every textureLoad stands before the first multiply-add, and the
 * tile's size must suit the operands.
 *
 * A workgroup is the eight lanes of a vector register, laid out rowLanes x colLanes; an invocation owns rows x cols
 * outputs in registers. No workgroup memory, no barrier. Operands are flat textures: word i at (i % 512, i / 512).
 */
import type { MatrixDType } from "./matrix_bytes.ts";

/** What is baked into the text. */
export interface PanelTile {
  readonly mode: "nt" | "nn";
  /** Type of b; a is f32. */
  readonly dtype: MatrixDType;
  /** Outputs of an invocation; `cols` is a multiple of 4, and of 8 in mode "nn" with 16-bit b. */
  readonly rows: number;
  readonly cols: number;
  readonly rowLanes: number;
  readonly colLanes: number;
  /** What is done with the sum: overwrite c, add to it, or scale its row and add. */
  readonly finish: "set" | "add" | "scaled";
  readonly bias: boolean;
  /** c is stored four columns at a time, which costs a CPU adapter a third: its columns and strides are multiples of 4. */
  readonly vectors: boolean;
}

const XYZW = ["x", "y", "z", "w"] as const;

/** A name for the pipeline cache. */
export function panelTileName(t: PanelTile): string {
  const lanes = `${t.rows}x${t.rowLanes}_${t.cols}x${t.colLanes}`;
  return `product_${t.mode}_${t.dtype}_${lanes}_${t.finish}${
    t.bias ? "_bias" : ""
  }${t.vectors ? "" : "_single"}`;
}

/** Outputs of a workgroup. */
export function panelTileSize(t: PanelTile): [rows: number, cols: number] {
  return [t.rows * t.rowLanes, t.cols * t.colLanes];
}

/** Whole words of 16-bit weights a step: with few rows, loading each word twice would be the greater cost. */
function isDeep(t: PanelTile): boolean {
  return t.mode === "nt" && t.dtype !== "f32" && t.rows <= 4;
}

/** The complete WGSL text of a tile. */
export function panelProductText(t: PanelTile): string {
  const [rows, cols] = panelTileSize(t);
  return `// c[i, j] = sum_k a[i, k] ${
    t.mode === "nt" ? "b[j, k]" : "b[k, j]"
  }      one workgroup per ${rows} x ${cols} outputs
struct Params {
  rows: u32, cols: u32, length: u32, a_word: u32, a_pitch: u32, b_row: u32, b_pitch: u32,
  c_row: u32, c_col: u32, c_first: u32, bias_first: u32
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
    t.finish === "scaled"
      ? "@group(0) @binding(5) var<storage, read> scale: array<f32>;      // [rows]\n"
      : ""
  }
fn at(word: u32) -> vec2u { return vec2u(word & 511u, word >> 9u); }
${decoder(t.dtype)}
@compute @workgroup_size(8)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  let first_row = group.x * ${rows}u + lane / ${t.colLanes}u;
  let first_col = group.y * ${cols}u;
  let col_lane = lane % ${t.colLanes}u;
${
    each(t.rows, (r) =>
      `  let a_at${r} = (first_row + ${
        r * t.rowLanes
      }u) * params.a_pitch + params.a_word;`)
  }
${
    t.mode === "nt"
      ? each(t.cols, (c) =>
        `  let b_at${c} = (params.b_row + ${column(t, c)}) * params.b_pitch;`)
      : ""
  }
${each(t.rows, (r) => each(t.cols, (c) => `  var s${r}_${c} = 0.0;`))}
${isDeep(t) ? deepLoop(t) : t.mode === "nt" ? ntLoop(t) : nnLoop(t)}
${stores(t)}
}
`;
}

function each(count: number, line: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => line(i)).join("\n");
}

/** Four elements of a word's half as f32. */
function decoder(dtype: MatrixDType): string {
  if (dtype === "f32") return "";
  const body = dtype === "f16"
    ? "vec4f(unpack2x16float(half.x), unpack2x16float(half.y))"
    : "bitcast<vec4f>(vec4u(half.x << 16u, half.x & 0xffff0000u, half.y << 16u, half.y & 0xffff0000u))";
  return `fn wide(half: vec2u) -> vec4f { return ${body}; }\n`;
}

/** Elements of b in a word. */
function perWord(t: PanelTile): number {
  return t.dtype === "f32" ? 4 : 8;
}

/** Column number of an invocation's output c: neighbours in one word of b (mode "nn") or of c belong to one lane. */
function column(t: PanelTile, c: number): string {
  const run = t.mode === "nn" ? perWord(t) : 4;
  const first = Math.floor(c / run) * run * t.colLanes + c % run;
  return `first_col + col_lane * ${run}u + ${first}u`;
}

/** s += the four products of a word of a and a vector of b, b's component j by `b(c, j)`. */
function products(
  t: PanelTile,
  a: (r: number) => string,
  b: (c: number, j: number) => string,
): string {
  return each(
    t.rows,
    (r) =>
      each(
        t.cols,
        (c) =>
          XYZW.map((x, j) =>
            `s${r}_${c} = s${r}_${c} + ${a(r)}.${x} * ${b(c, j)};`
          )
            .join(" "),
      ),
  );
}

/** Four k a step: 16-bit words are loaded once for each of their halves. */
function ntLoop(t: PanelTile): string {
  const f32 = t.dtype === "f32";
  const b = (c: number) =>
    f32
      ? `let b${c} = bitcast<vec4f>(textureLoad(b, at(b_at${c} + k)));`
      : `let w${c} = textureLoad(b, at(b_at${c} + (k >> 1u))); let b${c} = wide(select(w${c}.xy, w${c}.zw, odd));`;
  return `  let steps = (params.length + 3u) / 4u;
  for (var k = 0u; k < steps; k++) {
${f32 ? "" : "let odd = (k & 1u) == 1u;"}
${each(t.rows, (r) => `let a${r} = textureLoad(a, at(a_at${r} + k));`)}
${each(t.cols, b)}
${products(t, (r) => `a${r}`, (c, j) => `b${c}.${XYZW[j]}`)}
  }`;
}

/** Eight k a step; the upper half of a's last pair of words may be past the end of the row. */
function deepLoop(t: PanelTile): string {
  return `  let words = (params.length + 3u) / 4u;
  let steps = (words + 1u) / 2u;
  for (var k = 0u; k < steps; k++) {
let inside = 2u * k + 1u < words;
${
    each(t.rows, (r) =>
      `let a${r}l = textureLoad(a, at(a_at${r} + 2u * k)); let a${r}h = select(vec4f(), textureLoad(a, at(a_at${r} + 2u * k + 1u)), inside);`)
  }
${
    each(t.cols, (c) =>
      `let w${c} = textureLoad(b, at(b_at${c} + k)); let b${c}l = wide(w${c}.xy); let b${c}h = wide(w${c}.zw);`)
  }
${products(t, (r) => `a${r}l`, (c, j) => `b${c}l.${XYZW[j]}`)}
${products(t, (r) => `a${r}h`, (c, j) => `b${c}h.${XYZW[j]}`)}
  }`;
}

/** Four rows of b a step. The last step's rows past the end are the last row again: a is zero there. */
function nnLoop(t: PanelTile): string {
  const per = perWord(t);
  const load = (k: number) =>
    each(t.cols / per, (c) => {
      const word = `textureLoad(b, at(b_at${k} + ${c * t.colLanes}u))`;
      return per === 4
        ? `let b${k}_${c} = bitcast<vec4f>(${word});`
        : `let w${k}_${c} = ${word}; let b${k}_${
          2 * c
        } = wide(w${k}_${c}.xy); let b${k}_${2 * c + 1} = wide(w${k}_${c}.zw);`;
    });
  return `  let steps = (params.length + 3u) / 4u;
  let last = params.length - 1u;
  let b_word = first_col / ${per}u + col_lane;
  for (var k = 0u; k < steps; k++) {
${each(t.rows, (r) => `let a${r} = textureLoad(a, at(a_at${r} + k));`)}
${
    each(4, (k) =>
      `let b_at${k} = (params.b_row + min(4u * k + ${k}u, last)) * params.b_pitch + b_word;\n${
        load(k)
      }`)
  }
${products(t, (r) => `a${r}`, (c, j) => `b${j}_${c >> 2}.${XYZW[c & 3]}`)}
  }`;
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
