/**
 * Writes the text of the matrix product for GPUs. It is no file, since an invocation's sums must be named variables:
 * an array that is indexed in a loop whose bound the driver cannot see may lie in memory instead of registers.
 *
 * A workgroup of 16 x 16 owns 16 rows x 16 cols outputs and takes 4 words k at a time through workgroup memory. All
 * sizes add the same products in the same order. Knows no device.
 */

import { lines, sumNames, sumOver } from "./product_tile_loops.ts";
import { CODES_AT, RANGE, SCALES } from "./product_tile_pieces.ts";
import { type TileMode, tileOutputs, type TileSize } from "./tile_size.ts";

/** What a text reads. Texts differ, since an adapter may bind no more than eight buffers. */
export interface TileKind {
  readonly mode: TileMode;
  /** Only rows [starts[group], starts[group + 1]), counted from row_base; without a bias. */
  readonly ranged?: boolean;
  /** b is codes, with scales. */
  readonly codes?: boolean;
}

/** The complete WGSL text of a tile. */
export function tileProductText(
  { mode, ranged = false, codes = false }: TileKind,
  size: TileSize,
): string {
  const [tileRows, tileCols] = tileOutputs(size);
  const { words } = size;
  const nt = mode === "nt";
  return `// c[i, j] = (scale[i]) c[i, j] + factor (sum_k a[i, k] ${
    nt ? "b[j, k]" : "b[k, j]"
  }, the same of a second pair, and bias[j])      one workgroup per ${tileRows} x ${tileCols} outputs
// and part of the sum: part p takes the words [p * part_words, (p + 1) * part_words)
override FORMAT: u32 = 0;   // of b: 0 = f32, 1 = bf16, 2 = f16, 3 = int8, 4 = four bits
override FINISH: u32 = 0;   // 0 = overwrite c, 1 = add to it, 2 = scale its rows and add
override BIAS: u32 = 0;     // 1 = add bias
override MORE: u32 = 0;     // 1 = there is a second pair, of f32
struct Params {
  rows: u32, cols: u32, length: u32, a_word: u32, a_pitch: u32, b_row: u32, b_pitch: u32,
  c_row: u32, c_col: u32, c_first: u32, bias_first: u32, group: u32, row_base: u32,
  more_length: u32, more_a_pitch: u32, more_b_row: u32, more_b_pitch: u32, part_words: u32, c_part: u32,
  factor: f32
}
@group(0) @binding(0) var<storage, read> a: array<vec4f>;            // [rows, a_pitch] words of 4
@group(0) @binding(1) var<storage, read> b: array<vec4u>;            // [b_row + ${
    nt ? "cols" : "length"
  } (/ 2 or 4), b_pitch] words
@group(0) @binding(2) var<storage, read_write> c: array<f32>;        // [parts, rows, cols] by strides
${
    ranged
      ? "@group(0) @binding(3) var<storage, read> starts: array<u32>;         // [groups + 1]"
      : "@group(0) @binding(3) var<storage, read> bias: array<f32>;           // [bias_first + cols]"
  }
@group(0) @binding(4) var<storage, read> scale: array<f32>;          // [rows]
@group(0) @binding(5) var<storage, read> more_a: array<vec4f>;       // [rows, more_a_pitch] words of 4
@group(0) @binding(6) var<storage, read> more_b: array<vec4f>;       // [more_b_row + ${
    nt ? "cols" : "more_length"
  }, more_b_pitch] words
@group(0) @binding(7) var<uniform> params: Params;
${codes ? SCALES : ""}

var<private> end_row: u32;
var<private> part: u32;

var<workgroup> a_tile: array<vec4f, ${
    words * tileRows
  }>;            // [${words} words, ${tileRows} rows]
var<workgroup> b_tile: array<vec4f, ${words * tileCols}>;            // ${
    nt
      ? `[${words} words, ${tileCols} columns]`
      : `[${4 * words} rows, ${tileCols / 4} words]`
  }

fn a_at(row: u32, word: u32) -> vec4f {
  if (row >= end_row || 4 * word >= params.length) { return vec4f(); }
  return a[row * params.a_pitch + params.a_word + word];
}

${codes ? CODES_AT : ""}
// elements [4 word, 4 word + 4) of a row of b
fn b_at(row: u32, word: u32) -> vec4f {
  if (row >= params.${nt ? "cols" : "length"} || 4 * word >= params.${
    nt ? "length" : "cols"
  }) { return vec4f(); }
  let at = params.b_row + row;
  if (FORMAT == 0) { return bitcast<vec4f>(b[at * params.b_pitch + word]); }
${codes ? "  if (FORMAT >= 3) { return codes_at(at, word); }" : ""}
  // rows in pairs, the odd one in the upper halves
  let pair = b[at / 2 * params.b_pitch + word];
  let half = select(pair & vec4u(0xffff), pair >> vec4u(16), at % 2 == 1);
  if (FORMAT == 1) { return bitcast<vec4f>(half << vec4u(16)); }
  return vec4f(unpack2x16float(half.x).x, unpack2x16float(half.y).x, unpack2x16float(half.z).x, unpack2x16float(half.w).x);
}

fn more_a_at(row: u32, word: u32) -> vec4f {
  if (row >= end_row || 4 * word >= params.more_length) { return vec4f(); }
  return more_a[row * params.more_a_pitch + word];
}

fn more_b_at(row: u32, word: u32) -> vec4f {
  if (row >= params.${nt ? "cols" : "more_length"} || 4 * word >= params.${
    nt ? "more_length" : "cols"
  }) { return vec4f(); }
  return more_b[(params.more_b_row + row) * params.more_b_pitch + word];
}

fn finish(row: u32, col: u32, sum: f32) {
  if (row >= end_row || col >= params.cols) { return; }
  let i = params.c_first + part * params.c_part + row * params.c_row + col * params.c_col;
  var value = sum;
${ranged ? "" : "  if (BIAS == 1) { value += bias[params.bias_first + col]; }"}
  value *= params.factor;
  if (FINISH == 1) { value += c[i]; }
  if (FINISH == 2) { value += scale[row] * c[i]; }
  c[i] = value;
}

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  var row0 = group.x * ${tileRows};
  var end = params.rows;
${ranged ? RANGE : ""}
  end_row = end;
  part = group.z;
  let col0 = group.y * ${tileCols};
${lines(sumNames(size), (name) => `  var ${name}: vec4f;`)}
  let words = (params.length + 3) / 4;
  let end_word = min((group.z + 1) * params.part_words, words);
${sumOver(mode, size, "", "group.z * params.part_words", "end_word")}
  if (MORE == 1 && group.z == 0) {
    let more_words = (params.more_length + 3) / 4;
${sumOver(mode, size, "more_", "0u", "more_words")}
  }
  for (var i = 0u; i < ${sumNames(size).length}; i++) {
    var sum: vec4f;
    switch i {
${lines(sumNames(size), (name, i) => `      case ${i}: { sum = ${name}; }`)}
      default: {}
    }
    let row = row0 + local.y + 16 * (i / ${size.cols / 4});
    let col = col0 + ${nt ? "local.x" : "4 * local.x"} + 64 * (i % ${
    size.cols / 4
  });
    for (var j = 0u; j < 4; j++) { finish(row, col + ${
    nt ? "16 * j" : "j"
  }, sum[j]); }
  }
}
`;
}
