// c[i, j] = c[i, j] + factor (sum_k a[i, k] b[j, k], the same of a second pair, and bias[j])
// For at most 4 rows i, as in decoding, which is bound by the loads of b.
// One workgroup of 16 x 4 per 8 columns: 16 invocations along the words of a pair of rows of b,
// which they load once.
override FORMAT: u32 = 0;   // of b: 0 = f32, 1 = bf16, 2 = f16, 3 = int8, 4 = four bits
override ROWS: u32 = 1;
override FINISH: u32 = 0;   // 0 = overwrite c, 1 = add to it
override BIAS: u32 = 0;     // 1 = add bias
override MORE: u32 = 0;     // 1 = add the products of more_a and more_b
struct Params {
  cols: u32, length: u32, a_word: u32, a_pitch: u32, b_row: u32, b_pitch: u32,
  c_row: u32, c_col: u32, c_first: u32, bias_first: u32,
  more_length: u32, more_a_pitch: u32, more_b_row: u32, more_b_pitch: u32, factor: f32
}
@group(0) @binding(0) var<storage, read> a: array<vec4f>;            // [rows, a_pitch] words of 4
@group(0) @binding(1) var<storage, read> b: array<vec4u>;            // [b_row + cols (/ 2 or 4), b_pitch] words
@group(0) @binding(2) var<storage, read_write> c: array<f32>;        // [rows, cols] by strides
@group(0) @binding(3) var<storage, read> bias: array<f32>;           // [bias_first + cols]
@group(0) @binding(4) var<uniform> params: Params;
@group(0) @binding(5) var<storage, read> scales: array<vec4f>;       // of codes: [4 in four bits + rows / 4, blocks]
@group(0) @binding(6) var<storage, read> more_a: array<vec4f>;       // [rows, more_a_pitch] words of 4
@group(0) @binding(7) var<storage, read> more_b: array<vec4f>;       // [more_b_row + cols, more_b_pitch] words of 4

var<workgroup> partial: array<vec2f, 256>;                           // [4 rows, 4 pairs, 16 invocations]

//#use "halves_gpu.wgsl"

//#use "codes_gpu.wgsl"

fn finish(row: u32, col: u32, sum: f32) {
  if (col >= params.cols) { return; }
  let i = params.c_first + row * params.c_row + col * params.c_col;
  var value = sum;
  if (BIAS == 1) { value += bias[params.bias_first + col]; }
  value *= params.factor;
  if (FINISH == 1) { value += c[i]; }
  c[i] = value;
}

@compute @workgroup_size(16, 4)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let col = 8 * (group.x + group.y * groups.x) + 2 * local.y;
  let words = select((params.length + 3) / 4, 0u, col >= params.cols);
  var sums: array<vec2f, 4>;
  for (var k = local.x; k < words; k += 16) {
    var b0: vec4f;
    var b1: vec4f;
    if (FORMAT == 0) {
      let first = (params.b_row + col) * params.b_pitch + k;
      b0 = bitcast<vec4f>(b[first]);
      if (col + 1 < params.cols) { b1 = bitcast<vec4f>(b[first + params.b_pitch]); }
    } else if (FORMAT >= 3) {
      b0 = codes_at(params.b_row + col, k);
      b1 = codes_at(params.b_row + col + 1, k);
    } else {
      let pair = b[(params.b_row + col) / 2 * params.b_pitch + k];
      b0 = even(pair);
      b1 = odd(pair);
    }
    for (var i = 0u; i < ROWS; i++) {
      let x = a[i * params.a_pitch + params.a_word + k];
      sums[i] += vec2f(dot(x, b0), dot(x, b1));
    }
  }
  if (MORE == 1) {
    let rank_words = select((params.more_length + 3) / 4, 0u, col >= params.cols);
    for (var k = local.x; k < rank_words; k += 16) {
      let first = (params.more_b_row + col) * params.more_b_pitch + k;
      let b0 = more_b[first];
      var b1: vec4f;
      if (col + 1 < params.cols) { b1 = more_b[first + params.more_b_pitch]; }
      for (var i = 0u; i < ROWS; i++) {
        let x = more_a[i * params.more_a_pitch + k];
        sums[i] += vec2f(dot(x, b0), dot(x, b1));
      }
    }
  }
  for (var i = 0u; i < ROWS; i++) {
    partial[64 * i + 16 * local.y + local.x] = sums[i];
  }
  workgroupBarrier();
  for (var step = 8u; step > 0; step /= 2) {
    if (local.x < step) {
      for (var i = 0u; i < ROWS; i++) {
        let at = 64 * i + 16 * local.y + local.x;
        partial[at] += partial[at + step];
      }
    }
    workgroupBarrier();
  }
  if (local.x < ROWS) {
    let sum = partial[64 * local.x + 16 * local.y];
    finish(local.x, col, sum.x);
    finish(local.x, col + 1, sum.y);
  }
}
