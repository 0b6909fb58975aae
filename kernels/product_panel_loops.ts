/**
 * The loops over the reduction in the text of a panel product: every load of a step, then every multiply-add.
 * Writes WGSL; what surrounds a loop is written in product_panel_text.ts.
 */
import type { MatrixDType } from "./matrix_bytes.ts";
import type { PanelTile } from "./product_panel_text.ts";

const XYZW = ["x", "y", "z", "w"] as const;

/** One pair of operands: bindings `a` and `b`, of which a is f32; its params begin with `prefix`. */
interface Pair {
  readonly a: string;
  readonly b: string;
  readonly dtype: MatrixDType;
  readonly prefix: string;
}

/** Adds the products of a tile to its sums `s<row>_<col>`; with `more`, those of the second pair too. */
export function panelLoops(t: PanelTile): string {
  const first = { a: "a", b: "b", dtype: t.dtype, prefix: "" };
  const more = {
    a: "more_a",
    b: "more_b",
    dtype: "f32",
    prefix: "more_",
  } as const;
  const loop = t.mode === "nn" ? nnLoop : isDeep(t) ? deepLoop : ntLoop;
  const second = t.mode === "nn" ? nnLoop : ntLoop;
  return `  {\n${loop(t, first)}\n  }\n${
    t.more ? `  {\n${second(t, more)}\n  }` : ""
  }`;
}

/** Functions that the loops call. */
export function panelFunctions(dtype: MatrixDType): string {
  const at =
    "fn at(word: u32) -> vec2u { return vec2u(word & 511u, word >> 9u); }";
  if (dtype === "f32") return at;
  const body = dtype === "f16"
    ? "vec4f(unpack2x16float(half.x), unpack2x16float(half.y))"
    : "bitcast<vec4f>(vec4u(half.x << 16u, half.x & 0xffff0000u, half.y << 16u, half.y & 0xffff0000u))";
  return `${at}
// four elements as f32
fn wide(half: vec2u) -> vec4f { return ${body}; }`;
}

/** Writes a line for each of `count` numbers. */
export function each(count: number, line: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => line(i)).join("\n");
}

/** Column number of an invocation's output c: neighbours in one word of b (mode "nn") or of c belong to one lane. */
export function column(t: PanelTile, c: number): string {
  const run = t.mode === "nn" ? perWord(t.dtype) : 4;
  const first = Math.floor(c / run) * run * t.colLanes + c % run;
  return `first_col + col_lane * ${run}u + ${first}u`;
}

function perWord(dtype: MatrixDType): number {
  return dtype === "f32" ? 4 : 8;
}

/** Whole words of 16-bit weights a step: with few rows, loading each word twice would be the greater cost. */
function isDeep(t: PanelTile): boolean {
  return t.dtype !== "f32" && t.rows <= 4;
}

function aPlaces(t: PanelTile, { prefix }: Pair): string {
  return each(
    t.rows,
    (r) =>
      `  let a_at${r} = (first_row + ${
        r * t.rowLanes
      }u) * params.${prefix}a_pitch + params.${prefix}a_word;`,
  );
}

function bPlaces(t: PanelTile, { prefix }: Pair): string {
  return each(
    t.cols,
    (c) =>
      `  let b_at${c} = (params.${prefix}b_row + ${
        column(t, c)
      }) * params.${prefix}b_pitch;`,
  );
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
function ntLoop(t: PanelTile, pair: Pair): string {
  const f32 = pair.dtype === "f32";
  const b = (c: number) =>
    f32
      ? `let b${c} = bitcast<vec4f>(textureLoad(${pair.b}, at(b_at${c} + k)));`
      : `let w${c} = textureLoad(${pair.b}, at(b_at${c} + (k >> 1u))); let b${c} = wide(select(w${c}.xy, w${c}.zw, odd));`;
  return `${aPlaces(t, pair)}
${bPlaces(t, pair)}
  let steps = (params.${pair.prefix}length + 3u) / 4u;
  for (var k = 0u; k < steps; k++) {
${f32 ? "" : "let odd = (k & 1u) == 1u;"}
${each(t.rows, (r) => `let a${r} = textureLoad(${pair.a}, at(a_at${r} + k));`)}
${each(t.cols, b)}
${products(t, (r) => `a${r}`, (c, j) => `b${c}.${XYZW[j]}`)}
  }`;
}

/** Eight k a step; the upper half of a's last pair of words may be past the end of the row. */
function deepLoop(t: PanelTile, pair: Pair): string {
  const { a, b, prefix } = pair;
  return `${aPlaces(t, pair)}
${bPlaces(t, pair)}
  let words = (params.${prefix}length + 3u) / 4u;
  let steps = (words + 1u) / 2u;
  for (var k = 0u; k < steps; k++) {
let inside = 2u * k + 1u < words;
${
    each(t.rows, (r) =>
      `let a${r}l = textureLoad(${a}, at(a_at${r} + 2u * k)); let a${r}h = select(vec4f(), textureLoad(${a}, at(a_at${r} + 2u * k + 1u)), inside);`)
  }
${
    each(t.cols, (c) =>
      `let w${c} = textureLoad(${b}, at(b_at${c} + k)); let b${c}l = wide(w${c}.xy); let b${c}h = wide(w${c}.zw);`)
  }
${products(t, (r) => `a${r}l`, (c, j) => `b${c}l.${XYZW[j]}`)}
${products(t, (r) => `a${r}h`, (c, j) => `b${c}h.${XYZW[j]}`)}
  }`;
}

/** Four rows of b a step. The last step's rows past the end are the last row again: a is zero there. */
function nnLoop(t: PanelTile, pair: Pair): string {
  const per = perWord(pair.dtype);
  const load = (k: number) =>
    each(t.cols / per, (c) => {
      const word = `textureLoad(${pair.b}, at(b_at${k} + b_word${c}))`;
      return per === 4
        ? `let b${k}_${c} = bitcast<vec4f>(${word});`
        : `let w${k}_${c} = ${word}; let b${k}_${
          2 * c
        } = wide(w${k}_${c}.xy); let b${k}_${2 * c + 1} = wide(w${k}_${c}.zw);`;
    });
  const row = (k: number) =>
    `let b_at${k} = (params.${pair.prefix}b_row + min(4u * k + ${k}u, last)) * params.${pair.prefix}b_pitch;`;
  return `${aPlaces(t, pair)}
${
    each(t.cols / per, (c) =>
      `  let b_word${c} = (${column(t, c * per)}) / ${per}u;`)
  }
  let steps = (params.${pair.prefix}length + 3u) / 4u;
  let last = params.${pair.prefix}length - 1u;
  for (var k = 0u; k < steps; k++) {
${each(t.rows, (r) => `let a${r} = textureLoad(${pair.a}, at(a_at${r} + k));`)}
${each(4, (k) => `${row(k)}\n${load(k)}`)}
${products(t, (r) => `a${r}`, (c, j) => `b${j}_${c >> 2}.${XYZW[c & 3]}`)}
  }`;
}
