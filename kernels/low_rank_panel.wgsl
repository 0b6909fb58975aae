// h[t, j] = factor[t] * sum_k x[t, k] a[j, k]        one workgroup per 8 columns j and token t; rank a multiple of 4
// Lanes share the sum over k, since a low rank has too few columns for them; a token of factor 0 costs nothing.
override LANES: u32 = 8; // at most 16
override HAS_FACTORS: bool = false;
const FLAT_WIDTH = 512u;
struct Params { words: u32, rank: u32, pitch: u32, scale: f32 }          // words of four numbers in a row of x
@group(0) @binding(0) var<storage, read> x: array<vec4f>;                // [tokens, words]
@group(0) @binding(1) var a: texture_storage_2d<rgba32uint, read>;       // f32 [rank, 4 * words], flat
@group(0) @binding(2) var<storage, read> factors: array<f32>;            // [tokens]; anything without HAS_FACTORS
@group(0) @binding(3) var<storage, read_write> h: array<vec4f>;          // [tokens, rank]
@group(0) @binding(4) var flat_h: texture_storage_2d<rgba32float, write>; // h, flat: what the product with b reads
@group(0) @binding(5) var<uniform> params: Params;

var<workgroup> partial: array<f32, 128>;                                 // [8 columns, LANES]

fn a_word(row: u32, k: u32) -> vec4f {
  let i = min(row, params.rank - 1u) * params.pitch + k;
  return bitcast<vec4f>(textureLoad(a, vec2u(i % FLAT_WIDTH, i / FLAT_WIDTH)));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = group.x * 8u;
  let token = group.y;
  var factor = params.scale;
  if (HAS_FACTORS) { factor = factors[token]; }
  var s0 = 0.0;
  var s1 = 0.0;
  var s2 = 0.0;
  var s3 = 0.0;
  var s4 = 0.0;
  var s5 = 0.0;
  var s6 = 0.0;
  var s7 = 0.0;
  let words = select(params.words, 0u, factor == 0.0);
  for (var k = lane; k < words; k += LANES) {
    let v = x[token * params.words + k];
    s0 += dot(v, a_word(first, k));
    s1 += dot(v, a_word(first + 1u, k));
    s2 += dot(v, a_word(first + 2u, k));
    s3 += dot(v, a_word(first + 3u, k));
    s4 += dot(v, a_word(first + 4u, k));
    s5 += dot(v, a_word(first + 5u, k));
    s6 += dot(v, a_word(first + 6u, k));
    s7 += dot(v, a_word(first + 7u, k));
  }
  partial[lane] = s0;
  partial[LANES + lane] = s1;
  partial[2u * LANES + lane] = s2;
  partial[3u * LANES + lane] = s3;
  partial[4u * LANES + lane] = s4;
  partial[5u * LANES + lane] = s5;
  partial[6u * LANES + lane] = s6;
  partial[7u * LANES + lane] = s7;
  workgroupBarrier();
  var sum = 0.0;
  if (lane < 8u) {
    for (var i = 0u; i < LANES; i++) { sum += partial[lane * LANES + i]; }
  }
  workgroupBarrier();
  partial[lane] = factor * sum;
  workgroupBarrier();
  let column = first + 4u * lane;
  if (lane >= 2u || column >= params.rank) { return; }
  let i = (token * params.rank + column) / 4u;
  let at = 4u * lane;
  let value = vec4f(partial[at], partial[at + 1u], partial[at + 2u], partial[at + 3u]);
  h[i] = value;
  textureStore(flat_h, vec2u(i % FLAT_WIDTH, i / FLAT_WIDTH), value);
}
