// The rows of cache_rows_gpu.wgsl for a cache in flat textures, on CPUs
// one invocation per four numbers, so that head_dim is a multiple of 4; grid folded over x and y
override WORKGROUP_SIZE: u32 = 64;
override IN_FOURS: bool = false; // pairs are (j, j + half) and 4 divides half: quads turn together
const FLAT_WIDTH = 512u;
struct Params {
  queries: u32,
  tokens: u32,
  q_cols: u32,  // heads * head_dim
  kv_cols: u32, // kv_heads * head_dim
  head_dim: u32,
  half: u32,        // pairs of a head; the dims after 2 * half are copied
  interleaved: u32, // pairs are (2 j, 2 j + 1), else (j, j + half)
}
@group(0) @binding(0) var<storage, read> q: array<vec4f>;                 // [queries, q_cols]
@group(0) @binding(1) var<storage, read> k: array<vec4f>;                 // [tokens, kv_cols]
@group(0) @binding(2) var<storage, read> v: array<vec4f>;                 // [tokens, kv_cols]
@group(0) @binding(3) var<storage, read> cos_sin: array<vec4f>;           // [positions, 2 * half]
@group(0) @binding(4) var<storage, read> places: array<vec2u>;            // [queries + tokens, 2]
@group(0) @binding(5) var<storage, read_write> turned: array<vec4f>;      // [queries, q_cols]
@group(0) @binding(6) var keys: texture_storage_2d<rgba32float, write>;   // [rows, kv_cols], flat
@group(0) @binding(7) var values: texture_storage_2d<rgba32float, write>; // [rows, kv_cols], flat
@group(0) @binding(8) var<uniform> params: Params;

//#use "rotary_pair.wgsl"

fn four(is_query: bool, element: u32) -> vec4f {
  if (is_query) { return q[element / 4u]; }
  return k[element / 4u];
}

fn one(is_query: bool, element: u32) -> f32 {
  if (is_query) { return q[element / 4u][element % 4u]; }
  return k[element / 4u][element % 4u];
}

fn turned_one(is_query: bool, at: u32, position: u32) -> f32 {
  let dim = at % params.head_dim;
  let pair = pair_of(dim);
  let y = one(is_query, at);
  if (pair.z == 0) { return y; }
  let angle = position * 2u * params.half + u32(pair.y);
  let sine = angle + params.half;
  let partner = one(is_query, at - dim + u32(pair.x));
  return y * cos_sin[angle / 4u][angle % 4u] +
    f32(pair.z) * partner * cos_sin[sine / 4u][sine % 4u];
}

fn turned_four(is_query: bool, at: u32, position: u32) -> vec4f {
  let dim = at % params.head_dim;
  let y = four(is_query, at);
  if (dim >= 2u * params.half) { return y; }
  let pair = pair_of(dim);
  let angle = (position * 2u * params.half + u32(pair.y)) / 4u;
  let partner = four(is_query, at - dim + u32(pair.x));
  return y * cos_sin[angle] + f32(pair.z) * partner * cos_sin[angle + params.half / 4u];
}

fn texel(row: u32, element: u32) -> vec2u {
  let i = (row * params.kv_cols + element) / 4u;
  return vec2u(i % FLAT_WIDTH, i / FLAT_WIDTH);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = 4u * ((group.x + group.y * groups.x) * WORKGROUP_SIZE + lane);
  let asked = params.queries * params.q_cols;
  let added = params.tokens * params.kv_cols;
  if (i >= asked + 2u * added) { return; }
  if (i >= asked + added) {
    let at = i - asked - added;
    let row = places[params.queries + at / params.kv_cols].y;
    textureStore(values, texel(row, at % params.kv_cols), v[at / 4u]);
    return;
  }
  let is_query = i < asked;
  let first = select(i - asked, i, is_query);
  let cols = select(params.kv_cols, params.q_cols, is_query);
  let place = places[select(params.queries, 0u, is_query) + first / cols];
  var turned_quad: vec4f;
  if (IN_FOURS) {
    turned_quad = turned_four(is_query, first, place.x);
  } else {
    for (var c = 0u; c < 4u; c++) { turned_quad[c] = turned_one(is_query, first + c, place.x); }
  }
  if (is_query) {
    turned[first / 4u] = turned_quad;
  } else {
    textureStore(keys, texel(place.y, first % cols), turned_quad);
  }
}
