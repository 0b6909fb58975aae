/**
 * Writes the kernel for the lower halves of adapters of one input, for a few tokens on CPU adapters. Lanes share the
 * sum over k, since a low rank has too few columns for them; a token of factor 0 costs nothing. Knows no launch.
 */
import { each } from "../matmul/cpu/product_panel_loops.ts";

/** Columns of a workgroup. */
export const RANK_BLOCK = 8;

const COLUMNS = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/** The text for `parts` halves: bindings `a_0`, `h0`, `flat_h0` and on. */
export function lowRankText(parts: number): string {
  return `// h_i[t, j] = factor[t] * sum_k x[t, k] a_i[j, k]        one workgroup per 8 columns j of a part and token t; ranks multiples of 4
override LANES: u32 = 8; // at most 16
override HAS_FACTORS: bool = false;
const FLAT_WIDTH = 512u;
struct Params { words: u32, scale: f32, ${
    [...Array(parts).keys()].map((i) =>
      `rank${i}: u32, pitch${i}: u32, first_block${i}: u32, `
    ).join("")
  }first_block${parts}: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4f>;                // [tokens, words]
@group(0) @binding(1) var<storage, read> factors: array<f32>;            // [tokens]; anything without HAS_FACTORS
@group(0) @binding(2) var<uniform> params: Params;
${each(parts, bindings)}

var<workgroup> partial: array<f32, 128>;                                 // [8 columns, LANES]

${each(parts, word)}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let token = group.y;
  var factor = params.scale;
  if (HAS_FACTORS) { factor = factors[token]; }
${COLUMNS.map((j) => `  var s${j} = 0.0;`).join("\n")}
  let words = select(params.words, 0u, factor == 0.0);
${each(parts, sums)}
${COLUMNS.map((j) => `  partial[${j}u * LANES + lane] = s${j};`).join("\n")}
  workgroupBarrier();
  var sum = 0.0;
  if (lane < 8u) {
    for (var i = 0u; i < LANES; i++) { sum += partial[lane * LANES + i]; }
  }
  workgroupBarrier();
  partial[lane] = factor * sum;
  workgroupBarrier();
  if (lane >= 2u) { return; }
  let at = 4u * lane;
  let value = vec4f(partial[at], partial[at + 1u], partial[at + 2u], partial[at + 3u]);
${each(parts, stores)}
}
`;
}

/** h is written twice: the product with b reads the texture. */
function bindings(i: number): string {
  const at = (j: number) => `@group(0) @binding(${3 + 3 * i + j})`;
  return `${
    at(0)
  } var a_${i}: texture_storage_2d<rgba32uint, read>;       // f32 [rank, 4 * words], flat
${
    at(1)
  } var<storage, read_write> h${i}: array<vec4f>;          // [tokens, rank]
${at(2)} var flat_h${i}: texture_storage_2d<rgba32float, write>; // h, flat`;
}

function word(i: number): string {
  return `fn word${i}(row: u32, k: u32) -> vec4f {
  let i = min(row, params.rank${i} - 1u) * params.pitch${i} + k;
  return bitcast<vec4f>(textureLoad(a_${i}, vec2u(i % FLAT_WIDTH, i / FLAT_WIDTH)));
}`;
}

function isPart(i: number): string {
  return `group.x >= params.first_block${i} && group.x < params.first_block${
    i + 1
  }`;
}

function sums(i: number): string {
  return `  if (${isPart(i)}) {
    let first = (group.x - params.first_block${i}) * ${RANK_BLOCK}u;
    for (var k = lane; k < words; k += LANES) {
      let v = x[token * params.words + k];
${
    COLUMNS.map((j) => `      s${j} += dot(v, word${i}(first + ${j}u, k));`)
      .join("\n")
  }
    }
  }`;
}

function stores(i: number): string {
  return `  if (${isPart(i)}) {
    let column = (group.x - params.first_block${i}) * ${RANK_BLOCK}u + at;
    if (column < params.rank${i}) {
      let i = (token * params.rank${i} + column) / 4u;
      h${i}[i] = value;
      textureStore(flat_h${i}, vec2u(i % FLAT_WIDTH, i / FLAT_WIDTH), value);
    }
  }`;
}
