// h_i[t, j] = factor[t] * sum_k x[t, k] a_i[j, k], the lower halves of the LoRA adapters of PARTS
// layers with one input
// One workgroup per 8 columns j of a part i and token t; ranks are multiples of 4. Lanes share the
// sum over k, since a low rank has too few columns for them. A token of factor 0 costs nothing.
//#values PARTS
override LANES: u32 = 8; // at most 16
override HAS_FACTORS: bool = false;
const FLAT_WIDTH = 512u;
struct Params {
  words: u32, scale: f32,
  //#for i in PARTS
  rank#{i}: u32, pitch#{i}: u32, first_block#{i}: u32,
  //#end
  first_block#{PARTS}: u32
}
@group(0) @binding(0) var<storage, read> x: array<vec4f>;                // [tokens, words]
@group(0) @binding(1) var<storage, read> factors: array<f32>;            // [tokens]; anything without HAS_FACTORS
@group(0) @binding(2) var<uniform> params: Params;
//#for i in PARTS
@group(0) @binding(#{3 + 3 * i}) var a_#{i}: texture_storage_2d<rgba32uint, read>;       // f32 [rank, 4 * words], flat
// h is written twice: the product with b reads the texture
@group(0) @binding(#{4 + 3 * i}) var<storage, read_write> h#{i}: array<vec4f>;           // [tokens, rank]
@group(0) @binding(#{5 + 3 * i}) var flat_h#{i}: texture_storage_2d<rgba32float, write>; // h, flat
//#end

var<workgroup> partial: array<f32, 128>;                                 // [8 columns, LANES]

//#for i in PARTS
fn word#{i}(row: u32, k: u32) -> vec4f {
  let i = min(row, params.rank#{i} - 1u) * params.pitch#{i} + k;
  return bitcast<vec4f>(textureLoad(a_#{i}, vec2u(i % FLAT_WIDTH, i / FLAT_WIDTH)));
}
//#end

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let token = group.y;
  var factor = params.scale;
  if (HAS_FACTORS) { factor = factors[token]; }
  //#for j in 8
  var s#{j} = 0.0;
  //#end
  let words = select(params.words, 0u, factor == 0.0);
  //#for i in PARTS
  if (group.x >= params.first_block#{i} && group.x < params.first_block#{i + 1}) {
    let first = (group.x - params.first_block#{i}) * 8u;
    for (var k = lane; k < words; k += LANES) {
      let v = x[token * params.words + k];
      //#for j in 8
      s#{j} += dot(v, word#{i}(first + #{j}u, k));
      //#end
    }
  }
  //#end
  //#for j in 8
  partial[#{j}u * LANES + lane] = s#{j};
  //#end
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
  //#for i in PARTS
  if (group.x >= params.first_block#{i} && group.x < params.first_block#{i + 1}) {
    let column = (group.x - params.first_block#{i}) * 8u + at;
    if (column < params.rank#{i}) {
      let i = (token * params.rank#{i} + column) / 4u;
      h#{i}[i] = value;
      textureStore(flat_h#{i}, vec2u(i % FLAT_WIDTH, i / FLAT_WIDTH), value);
    }
  }
  //#end
}
