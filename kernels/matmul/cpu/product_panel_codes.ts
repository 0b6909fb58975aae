/**
 * The loops of a panel product whose b is codes: words of four rows, four columns of int8 or eight of 4 bits, and words
 * of the scales of four rows. Writes WGSL; what surrounds a loop is written in product_panel_text.ts.
 */
import { BLOCK, type CodeDType } from "../../matrix/codebooks.ts";
import { PAIRS } from "../../matrix/matrix_scales.ts";
import { aPlaces, column, each, products } from "./product_panel_loops.ts";
import type { PanelTile } from "./product_panel_text.ts";

const XYZW = ["x", "y", "z", "w"] as const;
const STEPS_OF_BLOCK = BLOCK / 4;

/** The binding that only codes have. */
export const SCALES =
  "@group(0) @binding(9) var scales: texture_storage_2d<rgba32float, read>;  // [pairs of 4 bits, then rows of b / 4, blocks], flat";

/**
 * Functions that the loops call: the numbers of four columns of a row. Of 4 bits they are looked up two by two: the
 * half of the table's texels that is read stays in the first cache, and a tree of selects took a quarter longer.
 */
export function codeFunctions(dtype: CodeDType): string {
  if (dtype === "int8") {
    return `fn four(codes: u32) -> vec4f {
  return vec4f(bitcast<vec4i>(vec4u(codes) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
}`;
  }
  return `fn two(pair: u32) -> vec2f { return textureLoad(scales, vec2u(pair & 255u, 0u)).xy; }
fn four(codes: u32) -> vec4f { return vec4f(two(codes), two(codes >> 8u)); }
fn scale_word(group: u32, block: u32) -> vec2u { return at(${PAIRS}u + group * (params.b_pitch / 8u) + block); }`;
}

/** Adds the products of a tile to its sums. */
export function codeLoop(t: PanelTile): string {
  return t.mode === "nn" ? nnLoop(t) : ntLoop(t);
}

const PAIR = { a: "a", b: "b", prefix: "" } as const;

/** Sums over the columns of b, four a step, block by block: lanes hold the scales of their rows meanwhile. */
function ntLoop(t: PanelTile): string {
  const int8 = t.dtype === "int8";
  const group = (q: number) =>
    `  let group${q} = (params.b_row + ${column(t, 4 * q)}) / 4u;
  let b_at${q} = group${q} * params.b_pitch;`;
  const scale = (q: number) =>
    `    let scale${q} = textureLoad(scales, ${
      int8 ? `at(group${q})` : `scale_word(group${q}, block)`
    });`;
  const word = (q: number) =>
    int8
      ? `      let w${q} = textureLoad(b, at(b_at${q} + k));`
      : `      let w${q} = textureLoad(b, at(b_at${q} + k / 2u)) >> vec4u(shift);`;
  const numbers = (c: number) =>
    `      let b${c} = four(w${c >> 2}.${XYZW[c & 3]}) * scale${c >> 2}.${
      XYZW[c & 3]
    };`;
  return `${aPlaces(t, PAIR)}
${each(t.cols / 4, group)}
  let steps = (params.length + 3u) / 4u;
  let block_steps = ${int8 ? "steps" : `${STEPS_OF_BLOCK}u`};
  var k = 0u;
  for (var block = 0u; k < steps; block++) {
${each(t.cols / 4, scale)}
    let end = min(k + block_steps, steps);
    for (; k < end; k++) {
${each(t.rows, (r) => `      let a${r} = textureLoad(a, at(a_at${r} + k));`)}
      let shift = (k & 1u) * 16u;
${each(t.cols / 4, word)}
${each(t.cols, numbers)}
${products(t, (r) => `a${r}`, (c, j) => `b${c}.${XYZW[j]}`)}
    }
  }`;
}

/** Sums over the rows of b, four a step, of which those past the end have scale 0. */
function nnLoop(t: PanelTile): string {
  const int8 = t.dtype === "int8";
  const place = (q: number) =>
    int8
      ? `  let b_word${q} = (${column(t, 4 * q)}) / 4u;`
      : `  let b_word${q} = (${column(t, 4 * q)}) / 8u;
  let shift${q} = (${column(t, 4 * q)}) / 4u % 2u * 16u;
  let block${q} = (${column(t, 4 * q)}) / ${BLOCK}u;`;
  const load = (q: number) =>
    int8
      ? `    let w${q} = textureLoad(b, at(b_at + b_word${q}));`
      : `    let w${q} = textureLoad(b, at(b_at + b_word${q})) >> vec4u(shift${q});
    let scale${q} = textureLoad(scales, scale_word(group, block${q}));`;
  const numbers = (q: number) =>
    each(
      4,
      (j) =>
        `    let b${j}_${q} = four(w${q}.${XYZW[j]}) * scale${int8 ? "" : q}.${
          XYZW[j]
        };`,
    );
  return `${aPlaces(t, PAIR)}
${each(t.cols / 4, place)}
  let steps = (params.length + 3u) / 4u;
  for (var k = 0u; k < steps; k++) {
${each(t.rows, (r) => `    let a${r} = textureLoad(a, at(a_at${r} + k));`)}
    let group = params.b_row / 4u + k;
    let b_at = group * params.b_pitch;
${int8 ? "    let scale = textureLoad(scales, at(group));" : ""}
${each(t.cols / 4, load)}
${each(t.cols / 4, numbers)}
${products(t, (r) => `a${r}`, (c, j) => `b${j}_${c >> 2}.${XYZW[c & 3]}`)}
  }`;
}
