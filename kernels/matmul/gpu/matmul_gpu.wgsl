// c[i, j] = (scale[i]) c[i, j] + factor (sum_k a[i, k] B[k, j], the same of a second pair, and
// bias[j])
// B[k, j] is b[j, k] in mode "nt", b[k, j] in mode "nn". One workgroup of 16 x 16 per 16 ROWS x 16
// COLS outputs and part of the sum: part p takes the words [p * part_words, (p + 1) * part_words).
//
// WORDS words of four k at a time go through workgroup memory. All sizes add the same products in
// the same order. An invocation's sums are named variables: an array that is indexed in a loop
// whose bound the driver cannot see may lie in memory instead of registers. With RANGED there are
// ranges of rows and no bias, with CODES b may be codes: a device may bind no more than eight
// buffers.
//#values MODE, ROWS, COLS, WORDS, UNROLLED, RANGED, CODES
//#let NT = MODE == "nt"
//#let HIGH = 16 * ROWS
//#let WIDE = 16 * COLS
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
@group(0) @binding(1) var<storage, read> b: array<vec4u>;            // [b_row + #{NT ? "cols" : "length"} (/ 2 or 4), b_pitch] words
@group(0) @binding(2) var<storage, read_write> c: array<f32>;        // [parts, rows, cols] by strides
//#if RANGED
@group(0) @binding(3) var<storage, read> starts: array<u32>;         // [groups + 1]
//#else
@group(0) @binding(3) var<storage, read> bias: array<f32>;           // [bias_first + cols]
//#end
@group(0) @binding(4) var<storage, read> scale: array<f32>;          // [rows]
@group(0) @binding(5) var<storage, read> more_a: array<vec4f>;       // [rows, more_a_pitch] words of 4
@group(0) @binding(6) var<storage, read> more_b: array<vec4f>;       // [more_b_row + #{NT ? "cols" : "more_length"}, more_b_pitch] words
@group(0) @binding(7) var<uniform> params: Params;
//#if CODES
@group(0) @binding(8) var<storage, read> scales: array<vec4f>;       // of codes: [4 in four bits + rows / 4, blocks]
//#end

var<private> end_row: u32;
var<private> part: u32;

var<workgroup> a_tile: array<vec4f, #{WORDS * HIGH}>;                // [#{WORDS} words, #{HIGH} rows]
var<workgroup> b_tile: array<vec4f, #{WORDS * WIDE}>;                // [words, columns], or [rows, words] in mode "nn"

fn a_at(row: u32, word: u32) -> vec4f {
  if (row >= end_row || 4 * word >= params.length) { return vec4f(); }
  return a[row * params.a_pitch + params.a_word + word];
}

//#if CODES
//#use "codes_gpu.wgsl"
//#end
// elements [4 word, 4 word + 4) of a row of b
fn b_at(row: u32, word: u32) -> vec4f {
  if (row >= params.#{NT ? "cols" : "length"} || 4 * word >= params.#{NT ? "length" : "cols"}) { return vec4f(); }
  let at = params.b_row + row;
  if (FORMAT == 0) { return bitcast<vec4f>(b[at * params.b_pitch + word]); }
  //#if CODES
  if (FORMAT >= 3) { return codes_at(at, word); }
  //#end
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
  if (row >= params.#{NT ? "cols" : "more_length"} || 4 * word >= params.#{NT ? "more_length" : "cols"}) { return vec4f(); }
  return more_b[(params.more_b_row + row) * params.more_b_pitch + word];
}

fn finish(row: u32, col: u32, sum: f32) {
  if (row >= end_row || col >= params.cols) { return; }
  let i = params.c_first + part * params.c_part + row * params.c_row + col * params.c_col;
  var value = sum;
  //#if !RANGED
  if (BIAS == 1) { value += bias[params.bias_first + col]; }
  //#end
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
  var row0 = group.x * #{HIGH};
  var end = params.rows;
  //#if RANGED
  // the rows of a group, which the device alone knows
  row0 += max(starts[params.group], params.row_base) - params.row_base;
  end = min(max(starts[params.group + 1], params.row_base) - params.row_base, params.rows);
  if (row0 >= end) { return; }
  //#end
  end_row = end;
  part = group.z;
  let col0 = group.y * #{WIDE};
  // s<row>_<quad>: four neighbouring columns each
  //#for r in ROWS, q in COLS / 4
  var s#{r}_#{q}: vec4f;
  //#end
  let words = (params.length + 3) / 4;
  let end_word = min((group.z + 1) * params.part_words, words);
  //#use "tile_sums.wgsl" PAIR = "", FIRST = "group.z * params.part_words", END = "end_word"
  if (MORE == 1 && group.z == 0) {
    let more_words = (params.more_length + 3) / 4;
    //#use "tile_sums.wgsl" PAIR = "more_", FIRST = "0u", END = "more_words"
  }
  for (var i = 0u; i < #{ROWS * (COLS / 4)}; i++) {
    var sum: vec4f;
    switch i {
      //#for r in ROWS, q in COLS / 4
      case #{r * (COLS / 4) + q}: { sum = s#{r}_#{q}; }
      //#end
      default: {}
    }
    let row = row0 + local.y + 16 * (i / #{COLS / 4});
    let col = col0 + #{NT ? "local.x" : "4 * local.x"} + 64 * (i % #{COLS / 4});
    for (var j = 0u; j < 4; j++) { finish(row, col + #{NT ? "16 * j" : "j"}, sum[j]); }
  }
}
