/**
 * The loops over the reduction in the text of a panel product: every load of a step, then every multiply-add.
 * Writes WGSL; what surrounds a loop is written in product_panel_text.ts.
 */
import { type CodeDType, isCodeDType } from "../../matrix/codebooks.ts";
import {
  type MatrixDType,
  ROWS_PER_WORD,
  turnsInTexture,
} from "../../matrix/matrix_bytes.ts";
import type { LoopTile, PanelTile, TileShape } from "./product_panel_text.ts";

const XYZW = ["x", "y", "z", "w"] as const;

/** One pair of operands: bindings `a` and `b`, of which a is f32; its params begin with `prefix`. */
export interface Pair {
  readonly a: string;
  readonly b: string;
  readonly dtype: Exclude<MatrixDType, CodeDType>;
  readonly prefix: string;
}

/**
 * Adds the products of a tile to its sums `s<row>_<col>`, those of the second pair too.
 *
 * @param codes the loop of the first pair where b is codes
 */
export function panelLoops(t: PanelTile, codes: string | undefined): string {
  const more = {
    a: "more_a",
    b: "more_b",
    dtype: "f32",
    prefix: "more_",
  } as const;
  const { dtype } = t;
  const first = isCodeDType(dtype)
    ? codes
    : panelLoop(t, { a: "a", b: "b", dtype, prefix: "" });
  return `  {\n${first}\n  }\n  {\n${panelLoop(t, more)}\n  }`;
}

/** Adds the products of one pair to the sums of a tile. */
export function panelLoop(t: LoopTile, pair: Pair): string {
  if (t.mode === "nn") return nnLoop(t, pair);
  return t.rows <= 2 ? fewRowsLoop(t, pair) : ntLoop(t, pair);
}

/** Functions that the loops call. */
export function panelFunctions(dtype: MatrixDType): string {
  const at =
    "fn at(word: u32) -> vec2u { return vec2u(word & 511u, word >> 9u); }";
  if (dtype === "f32" || isCodeDType(dtype)) return at;
  const half = (x: string) =>
    dtype === "f16"
      ? `vec4f(${
        XYZW.map((i) => `unpack2x16float(pair.${i}).${x}`).join(", ")
      })`
      : x === "x"
      ? "bitcast<vec4f>(pair << vec4u(16u))"
      : "bitcast<vec4f>(pair & vec4u(0xffff0000u))";
  return `${at}
// four columns of the even and of the odd row of a pair
fn even(pair: vec4u) -> vec4f { return ${half("x")}; }
fn odd(pair: vec4u) -> vec4f { return ${half("y")}; }`;
}

/** Writes a line for each of `count` numbers. */
export function each(count: number, line: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => line(i)).join("\n");
}

/** Column number of an invocation's output c: four neighbours belong to one lane. */
export function column(t: TileShape, c: number): string {
  const first = Math.floor(c / 4) * 4 * t.colLanes + c % 4;
  return `first_col + col_lane * 4u + ${first}u`;
}

/** Where the rows of a begin that are rows of the tile. */
export function aPlaces(
  t: TileShape,
  { prefix }: Pick<Pair, "prefix">,
): string {
  return each(
    t.rows,
    (r) =>
      `  let a_at${r} = (first_row + ${r}u) * params.${prefix}a_pitch + params.${prefix}a_word;`,
  );
}

/** Where a row of b, or a pair of rows, begins. */
function rowStart(pair: Pair, row: string): string {
  const turns = turnsInTexture(pair.dtype);
  const pitch = `params.${pair.prefix}b_pitch`;
  if (turns === 1) return `(${row}) * ${pitch}`;
  const turn = `((${row}) % ${turns}u)`;
  return `(${row} - ${turn}) * ${pitch} + ${turn}`;
}

/** The word `k` of the row of b that begins at `start`. */
function wordOf(pair: Pair, start: string, k: string): string {
  const turns = turnsInTexture(pair.dtype);
  const place = turns === 1 ? k : `${turns}u * ${k}`;
  return `textureLoad(${pair.b}, at(${start} + ${place}))`;
}

/** Where the rows of b, or its pairs of rows, begin that are columns of the tile. */
function bPlaces(t: TileShape, pair: Pair): string {
  const step = ROWS_PER_WORD[pair.dtype];
  return each(
    t.cols / step,
    (q) => {
      const name = `b_row${q * step}`;
      return `  let ${name} = (params.${pair.prefix}b_row + ${
        column(t, q * step)
      }) / ${step}u;
  let b_at${q * step} = ${rowStart(pair, name)};`;
    },
  );
}

/**
 * s += the four products of a word of a and a vector of b, b's component j by `b(c, j)`. Four columns at a time with
 * all rows: their b stays in registers, so that most of what a processor multiplies is not fetched from its stack.
 */
export function products(
  t: TileShape,
  a: (r: number) => string,
  b: (c: number, j: number) => string,
): string {
  const sum = (r: number, c: number) =>
    XYZW.map((x, j) => `s${r}_${c} = s${r}_${c} + ${a(r)}.${x} * ${b(c, j)};`)
      .join(" ");
  return each(
    t.cols / 4,
    (q) => each(t.rows, (r) => each(4, (c) => sum(r, 4 * q + c))),
  );
}

/**
 * As ntLoop(), in the same order of sums, for one or two rows. Those are bound by the loads of b: two steps a round,
 * since a round costs half a load, and each word is used where it is loaded, since few products hide behind many loads.
 */
function fewRowsLoop(t: LoopTile, pair: Pair): string {
  const group = ROWS_PER_WORD[pair.dtype];
  const halves = group === 1 ? ["bitcast<vec4f>"] : ["even", "odd"];
  const sums = (c: number) =>
    each(
      t.rows,
      (r) =>
        XYZW.map((x) => `s${r}_${c} = s${r}_${c} + a${r}.${x} * b.${x};`)
          .join(" "),
    );
  const step = (k: string) =>
    `{
${
      each(
        t.rows,
        (r) => `let a${r} = textureLoad(${pair.a}, at(a_at${r} + ${k}));`,
      )
    }
${
      each(t.cols / group, (q) =>
        `{
let w = ${wordOf(pair, `b_at${q * group}`, k)};
${each(group, (i) => `{ let b = ${halves[i]}(w); ${sums(q * group + i)} }`)}
}`)
    }
}`;
  return `${aPlaces(t, pair)}
${bPlaces(t, pair)}
  let steps = (params.${pair.prefix}length + 3u) / 4u;
  var k = 0u;
  for (; k + 1u < steps; k += 2u) {
${step("k")}
${step("(k + 1u)")}
  }
  if (k < steps) ${step("k")}`;
}

/** Sums over the columns of b, four a step. */
function ntLoop(t: LoopTile, pair: Pair): string {
  const word = (c: number) => wordOf(pair, `b_at${c}`, "k");
  const single = (c: number) => `let b${c} = bitcast<vec4f>(${word(c)});`;
  const double = (c: number) =>
    c % 2 === 1
      ? `let b${c} = odd(w${c - 1});`
      : `let w${c} = ${word(c)}; let b${c} = even(w${c});`;
  return `${aPlaces(t, pair)}
${bPlaces(t, pair)}
  let steps = (params.${pair.prefix}length + 3u) / 4u;
  for (var k = 0u; k < steps; k++) {
${each(t.rows, (r) => `let a${r} = textureLoad(${pair.a}, at(a_at${r} + k));`)}
${each(t.cols, pair.dtype === "f32" ? single : double)}
${products(t, (r) => `a${r}`, (c, j) => `b${c}.${XYZW[j]}`)}
  }`;
}

/**
 * Sums over the rows of b, four a step: four words a column, or two of two rows. The last step's rows past the end are
 * the last ones again: a is zero there.
 */
function nnLoop(t: LoopTile, pair: Pair): string {
  const { prefix } = pair;
  const step = ROWS_PER_WORD[pair.dtype];
  const load = (k: number, q: number) => {
    const word = wordOf(pair, `b_at${k}`, `b_word${q}`);
    return step === 1
      ? `let b${k}_${q} = bitcast<vec4f>(${word});`
      : `let w${k}_${q} = ${word}; let b${k}_${q} = even(w${k}_${q}); let b${
        k + 1
      }_${q} = odd(w${k}_${q});`;
  };
  const row = (k: number) =>
    `let b_row${k} = params.${prefix}b_row / ${step}u + min(k * ${
      4 / step
    }u + ${k / step}u, last);
let b_at${k} = ${rowStart(pair, `b_row${k}`)};`;
  return `${aPlaces(t, pair)}
${each(t.cols / 4, (q) => `  let b_word${q} = (${column(t, q * 4)}) / 4u;`)}
  let steps = (params.${prefix}length + 3u) / 4u;
  let last = (max(params.${prefix}length, 1u) - 1u) / ${step}u;
  for (var k = 0u; k < steps; k++) {
${each(t.rows, (r) => `let a${r} = textureLoad(${pair.a}, at(a_at${r} + k));`)}
${
    each(4 / step, (i) =>
      `${row(i * step)}\n${each(t.cols / 4, (q) => load(i * step, q))}`)
  }
${products(t, (r) => `a${r}`, (c, j) => `b${j}_${c >> 2}.${XYZW[c & 3]}`)}
  }`;
}
