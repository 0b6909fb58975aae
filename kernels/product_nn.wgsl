// c[i, j] = (scale[i]) c[i, j] + sum_k a[i, k] b[k, j] + bias[j]
// One workgroup of 16 x 16 per 16 ROWS x 64 outputs, ROWS x 4 per invocation, 16 k at a time through workgroup memory.
override ROWS: u32 = 4;     // 4 or 8
override FORMAT: u32 = 0;   // of b: 0 = f32, 1 = bf16, 2 = f16, 3 = int8, 4 = four bits
override FINISH: u32 = 0;   // 0 = overwrite c, 1 = add to it, 2 = scale its rows and add
override BIAS: u32 = 0;     // 1 = add bias
struct Params {
  rows: u32, cols: u32, length: u32, a_word: u32, a_pitch: u32, b_row: u32, b_pitch: u32,
  c_row: u32, c_col: u32, c_first: u32, bias_first: u32
}
@group(0) @binding(0) var<storage, read> a: array<vec4f>;            // [rows, a_pitch] words of 4
@group(0) @binding(1) var<storage, read> b: array<vec4u>;            // [b_row + length (/ 2 or 4), b_pitch] words
@group(0) @binding(2) var<storage, read_write> c: array<f32>;        // [rows, cols] by strides
@group(0) @binding(3) var<storage, read> bias: array<f32>;           // [bias_first + cols]
@group(0) @binding(4) var<storage, read> scale: array<f32>;          // [rows]
@group(0) @binding(5) var<uniform> params: Params;
@group(0) @binding(6) var<storage, read> scales: array<vec4f>;       // of codes: [4 in four bits + rows / 4, blocks]

var<workgroup> a_tile: array<vec4f, 512>;                            // [4 words, 16 ROWS rows]
var<workgroup> b_tile: array<vec4f, 256>;                            // [16 rows, 16 words]

fn a_at(row: u32, word: u32) -> vec4f {
  if (row >= params.rows || 4 * word >= params.length) { return vec4f(); }
  return a[row * params.a_pitch + params.a_word + word];
}

fn number(code: u32) -> f32 { return scales[(code & 15) / 4][code & 3]; }

// elements [4 word, 4 word + 4) of a row of codes: a group of four rows has a u32 each in a word
fn codes_at(row: u32, word: u32) -> vec4f {
  let group = row / 4;
  if (FORMAT == 3) {
    let bytes = vec4u(b[group * params.b_pitch + word][row % 4]);
    return vec4f(bitcast<vec4i>(bytes << vec4u(24, 16, 8, 0)) >> vec4u(24)) * scales[group][row % 4];
  }
  // a scale per 64 columns, after the numbers of the 16 codes
  let codes = b[group * params.b_pitch + word / 2][row % 4] >> (word % 2 * 16);
  let scale = scales[4 + group * (params.b_pitch / 8) + word / 16][row % 4];
  return scale * vec4f(number(codes >> 4), number(codes), number(codes >> 12), number(codes >> 8));
}

// elements [4 word, 4 word + 4) of row k of b
fn b_at(k: u32, word: u32) -> vec4f {
  if (k >= params.length || 4 * word >= params.cols) { return vec4f(); }
  let at = params.b_row + k;
  if (FORMAT == 0) { return bitcast<vec4f>(b[at * params.b_pitch + word]); }
  if (FORMAT >= 3) { return codes_at(at, word); }
  // rows in pairs, the odd one in the upper halves
  let pair = b[at / 2 * params.b_pitch + word];
  let half = select(pair & vec4u(0xffff), pair >> vec4u(16), at % 2 == 1);
  if (FORMAT == 1) { return bitcast<vec4f>(half << vec4u(16)); }
  return vec4f(unpack2x16float(half.x).x, unpack2x16float(half.y).x, unpack2x16float(half.z).x, unpack2x16float(half.w).x);
}

fn finish(row: u32, col: u32, sum: f32) {
  if (row >= params.rows || col >= params.cols) { return; }
  let i = params.c_first + row * params.c_row + col * params.c_col;
  var value = sum;
  if (BIAS == 1) { value += bias[params.bias_first + col]; }
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
  let tile_rows = 16 * ROWS;
  let row0 = group.x * tile_rows;
  let col0 = group.y * 64;
  var sums: array<vec4f, 8>;
  let words = (params.length + 3) / 4;
  for (var word = 0u; word < words; word += 4) {
    // neighbours load neighbouring words of a row
    for (var r = 0u; r < tile_rows; r += 64) {
      let row = r + lane / 4;
      a_tile[lane % 4 * tile_rows + row] = a_at(row0 + row, word + lane % 4);
    }
    b_tile[lane] = b_at(4 * word + local.y, col0 / 4 + local.x);
    workgroupBarrier();
    for (var w = 0u; w < 4; w++) {
      let first = w * 64 + local.x;
      let b0 = b_tile[first];
      let b1 = b_tile[first + 16];
      let b2 = b_tile[first + 32];
      let b3 = b_tile[first + 48];
      for (var i = 0u; i < ROWS; i++) {
        let x = a_tile[w * tile_rows + local.y + 16 * i];
        sums[i] += x.x * b0 + x.y * b1 + x.z * b2 + x.w * b3;
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < ROWS; i++) {
    for (var j = 0u; j < 4; j++) {
      finish(row0 + local.y + 16 * i, col0 + 4 * local.x + j, sums[i][j]);
    }
  }
}
