/**
 * Writes the texts that multiply a few rows with several weights at once, on GPUs: each part is product_few.wgsl, in its
 * order of sums. Bindings and params are named as in sibling_products_text.ts; `y` is written to its buffer alone.
 */
import { ACTIVATION_TEXT } from "../rows/gated_unit.ts";
import fewSource from "../matmul/gpu/product_few.wgsl" with { type: "text" };
import { each } from "../matmul/cpu/product_panel_loops.ts";
import { FEW_COLS } from "../matmul/gpu/matmul_gpu.ts";
import {
  isPart,
  partFields,
  rowFactors,
  siblingParams,
  storage,
} from "./sibling_products_text.ts";

const HALVES = fewSource.slice(
  fewSource.indexOf("fn even"),
  fewSource.indexOf("fn number"),
);

/** The text whose parts are stored each by itself: bindings `c0`, `c1` and on. */
export function fewSiblingsText(parts: number): string {
  const sums = (i: number) =>
    `  if (${isPart(i)}) {
    col = ${FEW_COLS} * (group.x - params.first_tile${i}) + 2 * local.y;
    sums = sums${i}(col, local.x);
  }`;
  const store = (i: number) =>
    `  if (${isPart(i)}) {
    store${i}(local.x, col, sum.x);
    store${i}(local.x, col + 1, sum.y);
  }`;
  const outputs = each(
    parts,
    (i) =>
      `${storage(`c${i}`, 5 * parts + 2 + i, "read_write", "f32")}
fn store${i}(row: u32, col: u32, sum: f32) {
  if (col < params.cols${i}) { c${i}[row * params.cols${i} + col] = factor_of(row) * finished${i}(col, sum); }
}`,
  );
  return `// c_i[t, j] = factor[t] (sum_k a[t, k] b_i[j, k], the same of a second pair, and bias_i[j])      one workgroup per 8 columns of a part
${head(parts, partFields(parts))}
${rowFactors(6 * parts + 2)}
${outputs}

${MAIN}
  var col = 0u;
  var sums: array<vec2f, 4>;
${each(parts, sums)}
  let sum = summed(sums, local);
  if (local.x >= ROWS) { return; }
${each(parts, store)}
}
`;
}

/** The text of `activation(gate) * up`: part 0 is the gate; binding `y`. */
export function fewGatedText(): string {
  return `// y[t, j] = activation(gate[t, j]) up[t, j], both as c_i of sibling_few      one workgroup per 8 columns
alias Real = f32;
override ACTIVATION: u32 = 0;
${head(2, [])}
${storage("y", 12, "read_write", "f32")}
${ACTIVATION_TEXT}
fn store(row: u32, col: u32, gate: f32, up: f32) {
  if (col >= params.cols0) { return; }
  y[row * params.cols0 + col] = activation(finished0(col, gate)) * finished1(col, up);
}

${MAIN}
  let col = ${FEW_COLS} * group.x + 2 * local.y;
  let gate = summed(sums0(col, local.x), local);
  let up = summed(sums1(col, local.x), local);
  if (local.x >= ROWS) { return; }
  store(local.x, col, gate.x, up.x);
  store(local.x, col + 1, gate.y, up.y);
}
`;
}

const MAIN = `@compute @workgroup_size(16, 4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {`;

function head(parts: number, more: readonly string[]): string {
  return `override FORMAT: u32 = 0;   // of b: 0 = f32, 1 = bf16, 2 = f16
override ROWS: u32 = 1;
${siblingParams(parts, more)}
${storage("a", 0, "read", "vec4f")}
${each(parts, inputs)}
@group(0) @binding(${5 * parts + 1}) var<uniform> params: Params;

var<workgroup> partial: array<vec2f, 256>; // [4 rows, 4 pairs, 16 invocations]

${HALVES}
${each(parts, partFunctions)}
${SUMMED}`;
}

function inputs(i: number): string {
  const at = 1 + 4 * i;
  return `${storage(`b_${i}`, at, "read", "vec4u")}
${storage(`bias${i}`, at + 1, "read", "f32")}
${storage(`more_a${i}`, at + 2, "read", "vec4f")}
${storage(`more_b${i}`, at + 3, "read", "vec4f")}`;
}

function partFunctions(i: number): string {
  return `// of a pair of columns: an invocation's share of the sums of each row
fn sums${i}(col: u32, lane: u32) -> array<vec2f, 4> {
  var sums: array<vec2f, 4>;
  let words = select((params.length + 3) / 4, 0u, col >= params.cols${i});
  for (var k = lane; k < words; k += 16) {
    var b0: vec4f;
    var b1: vec4f;
    if (FORMAT == 0) {
      let first = (params.b_row + col) * params.b_pitch + k;
      b0 = bitcast<vec4f>(b_${i}[first]);
      if (col + 1 < params.cols${i}) { b1 = bitcast<vec4f>(b_${i}[first + params.b_pitch]); }
    } else {
      let pair = b_${i}[(params.b_row + col) / 2 * params.b_pitch + k];
      b0 = even(pair);
      b1 = odd(pair);
    }
    for (var t = 0u; t < ROWS; t++) {
      let x = a[t * params.a_pitch + params.a_word + k];
      sums[t] += vec2f(dot(x, b0), dot(x, b1));
    }
  }
  let rank_words = select((params.more${i}_length + 3) / 4, 0u, col >= params.cols${i});
  for (var k = lane; k < rank_words; k += 16) {
    let first = (params.more${i}_b_row + col) * params.more${i}_b_pitch + k;
    let b0 = more_b${i}[first];
    var b1: vec4f;
    if (col + 1 < params.cols${i}) { b1 = more_b${i}[first + params.more${i}_b_pitch]; }
    for (var t = 0u; t < ROWS; t++) {
      let x = more_a${i}[t * params.more${i}_a_pitch + params.more${i}_a_word + k];
      sums[t] += vec2f(dot(x, b0), dot(x, b1));
    }
  }
  return sums;
}
fn finished${i}(col: u32, sum: f32) -> f32 {
  if (params.has_bias${i} == 1) { return sum + bias${i}[col]; }
  return sum;
}`;
}

const SUMMED =
  `// the sums of row local.x over all sixteen invocations; for all invocations at once
fn summed(shares: array<vec2f, 4>, local: vec3u) -> vec2f {
  var sums = shares;
  workgroupBarrier();
  for (var t = 0u; t < ROWS; t++) { partial[64 * t + 16 * local.y + local.x] = sums[t]; }
  workgroupBarrier();
  for (var step = 8u; step > 0; step /= 2) {
    if (local.x < step) {
      for (var t = 0u; t < ROWS; t++) {
        let at = 64 * t + 16 * local.y + local.x;
        partial[at] += partial[at + step];
      }
    }
    workgroupBarrier();
  }
  return partial[64 * min(local.x, 3u) + 16 * local.y];
}`;
