/**
 * Writes the texts that multiply a few rows with several weights at once, on CPU adapters: each part is the panel
 * product of few rows, in its order of sums. Either every part is stored by itself, or two are a gated unit.
 *
 * A launch takes such an adapter some 40 to 70 us beside its work, and a decoded token has hundreds.
 */
import type { CodeDType } from "../matrix/codebooks.ts";
import { ACTIVATION_TEXT } from "../rows/gated_unit.ts";
import type { MatrixDType } from "../matrix/matrix_bytes.ts";
import {
  column,
  each,
  panelFunctions,
  panelLoop,
} from "../matmul/cpu/product_panel_loops.ts";
import {
  panelTileSize,
  type TileShape,
} from "../matmul/cpu/product_panel_text.ts";

/** What is baked into the text. */
export interface SiblingTile extends TileShape {
  /** Type of all weights. */
  readonly dtype: Exclude<MatrixDType, CodeDType>;
  readonly parts: number;
}

/** A name for the pipeline cache. */
export function siblingTileName(t: SiblingTile, kind: string): string {
  return `${kind}_${t.dtype}_${t.parts}x${t.rows}_${t.cols}x${t.colLanes}`;
}

/** The text whose parts are stored each by itself: bindings `c0`, `c1` and on. */
export function siblingProductsText(t: SiblingTile): string {
  const [, cols] = panelTileSize(t);
  const scaled = (r: number, q: number) =>
    `factor_of(${r}u) * ${vector(q, (c) => `s${r}_${c}`)}`;
  const part = (i: number) =>
    `  if (${isPart(i)}) {
    let first_col = (group.x - params.first_tile${i}) * ${cols}u;
${partSums(t, i)}
${storeRows(t, i, scaled, `c${i}`)}
  }`;
  return `// c_i[t, j] = factor[t] (sum_k a[t, k] b_i[j, k], the same of a second pair, and bias_i[j])      one workgroup per ${cols} columns of a part
${siblingParams(t.parts, partFields(t.parts))}
${inputs(t)}
${
    each(t.parts, (i) =>
      storage(`c${i}`, 1 + 4 * t.parts + i, "read_write", "vec4f"))
  }
${rowFactors(6 * t.parts + 3)}
${main(t, each(t.parts, part))}`;
}

/** The text of `activation(gate) * up`: part 0 is the gate; bindings `y` and its texture `flat_y`. */
export function gatedProductsText(t: SiblingTile): string {
  const [, cols] = panelTileSize(t);
  const value = (r: number, q: number) =>
    `activation(${vector(q, (c) => `g${r}_${c}`)}) * ${
      vector(q, (c) => `s${r}_${c}`)
    }`;
  const texel = (r: number, q: number) =>
    `textureStore(flat_y, at(place${r}_${q}), value${r}_${q});`;
  const gates = each(
    t.rows,
    (r) => each(t.cols, (c) => `  var g${r}_${c} = 0.0;`),
  );
  const keep = each(
    t.rows,
    (r) => each(t.cols, (c) => `  g${r}_${c} = s${r}_${c};`),
  );
  const first = 1 + 4 * t.parts;
  return `// y[t, j] = activation(gate[t, j]) up[t, j], both as c_i of sibling_products      one workgroup per ${cols} columns
alias Real = vec4f;
override ACTIVATION: u32 = 0;
${siblingParams(t.parts, [])}
${inputs(t)}
${storage("y", first, "read_write", "vec4f")}
@group(0) @binding(${
    first + 1
  }) var flat_y: texture_storage_2d<rgba32float, write>;
${ACTIVATION_TEXT}
${
    main(
      t,
      `  let first_col = group.x * ${cols}u;
${gates}
  {
${partSums(t, 0)}
${keep}
  }
${partSums(t, 1)}
${storeRows(t, 0, value, "y", texel)}`,
    )
  }`;
}

/** Whether a workgroup is one of part i. */
export function isPart(i: number): string {
  return `group.x >= params.first_tile${i} && group.x < params.first_tile${
    i + 1
  }`;
}

/** `struct Params` of `parts` products of one `a`, and further fields. */
export function siblingParams(parts: number, more: readonly string[]): string {
  const fields = [
    ...["rows: u32", "length: u32", "a_word: u32", "a_pitch: u32"],
    ...["b_row: u32", "b_pitch: u32"],
    ...[...Array(parts).keys()].flatMap((i) => [
      ...[`cols${i}: u32`, `has_bias${i}: u32`],
      ...["length", "a_word", "a_pitch", "b_row", "b_pitch"].map((name) =>
        `more${i}_${name}: u32`
      ),
    ]),
    ...more,
  ];
  return `struct Params {\n  ${fields.join(",\n  ")}\n}`;
}

function inputs({ parts }: SiblingTile): string {
  const texture = (name: string, at: number, format: string) =>
    `@group(0) @binding(${at}) var ${name}: texture_storage_2d<${format}, read>;`;
  return `${texture("a", 0, "rgba32float")}
${
    each(parts, (i) =>
      `${texture(`b_${i}`, 1 + 4 * i, "rgba32uint")}
${storage(`bias${i}`, 2 + 4 * i, "read", "f32")}
${texture(`more_a${i}`, 3 + 4 * i, "rgba32float")}
${texture(`more_b${i}`, 4 + 4 * i, "rgba32uint")}`)
  }
@group(0) @binding(${6 * parts + 2}) var<uniform> params: Params;`;
}

/** Fields of the texts whose parts are stored each by itself. */
export function partFields(parts: number): string[] {
  const starts = [...Array(parts + 1).keys()].map((i) => `first_tile${i}: u32`);
  return [...starts, "factor: f32", "has_factors: u32"];
}

/** `factor_of(row)`: one factor for all rows, or the binding `factors [rows]`. */
export function rowFactors(at: number): string {
  return `${storage("factors", at, "read", "f32")}
fn factor_of(row: u32) -> f32 {
  if (params.has_factors == 1u) { return factors[min(row, params.rows - 1u)]; }
  return params.factor;
}`;
}

/** The declaration of a storage buffer. */
export function storage(
  name: string,
  at: number,
  access: "read" | "read_write",
  type: string,
): string {
  return `@group(0) @binding(${at}) var<storage, ${access}> ${name}: array<${type}>;`;
}

function main(t: SiblingTile, body: string): string {
  return `${panelFunctions(t.dtype)}
@compute @workgroup_size(${t.colLanes})
fn main(@builtin(local_invocation_index) col_lane: u32, @builtin(workgroup_id) group: vec3u) {
  let first_row = 0u;
${body}
}
`;
}

/** The sums `s<row>_<col>` of part i, bias included. */
function partSums(t: SiblingTile, i: number): string {
  const tile = { ...t, mode: "nt" } as const;
  const pair = { a: "a", b: `b_${i}`, dtype: t.dtype, prefix: "" };
  const more = {
    ...{ a: `more_a${i}`, b: `more_b${i}` },
    ...{ dtype: "f32", prefix: `more${i}_` } as const,
  };
  const bias = (c: number) =>
    `    let bias_${c} = bias${i}[min(${column(t, c)}, params.cols${i} - 1u)];
${each(t.rows, (r) => `    s${r}_${c} = s${r}_${c} + bias_${c};`)}`;
  return `${each(t.rows, (r) => each(t.cols, (c) => `  var s${r}_${c} = 0.0;`))}
  {
${panelLoop(tile, pair)}
  }
  {
${panelLoop(tile, more)}
  }
  if (params.has_bias${i} == 1u) {
${each(t.cols, bias)}
  }`;
}

function vector(q: number, value: (c: number) => string): string {
  return `vec4f(${[0, 1, 2, 3].map((j) => value(4 * q + j)).join(", ")})`;
}

/** Stores rows of part i in vectors of four; `also` may use `place<row>_<quad>` and `value<row>_<quad>`. */
function storeRows(
  t: SiblingTile,
  i: number,
  value: (row: number, quad: number) => string,
  into: string,
  also: (row: number, quad: number) => string = () => "",
): string {
  return each(
    t.rows,
    (r) =>
      each(
        t.cols / 4,
        (q) =>
          `  if (${r}u < params.rows && ${column(t, 4 * q)} < params.cols${i}) {
    let place${r}_${q} = (${r}u * params.cols${i} + ${column(t, 4 * q)}) / 4u;
    let value${r}_${q} = ${value(r, q)};
    ${into}[place${r}_${q}] = value${r}_${q};
    ${also(r, q)}
  }`,
      ),
  );
}
