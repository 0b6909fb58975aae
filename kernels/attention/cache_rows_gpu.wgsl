// Rows for attention over a cache: queries turned by the angles of their position, new keys turned,
// and new values as they are; keys and values go to their rows of the cache.
// A pair (x1, x2) of dims of a head turns to y1 = x1 cos - x2 sin, y2 = x2 cos + x1 sin. cos_sin
// has the cosines of the angles of a position and then their sines; places has a position and the
// row of the cache, which means nothing for a query.
// one invocation per number: all of q, then all of k, then all of v; grid folded over x and y
override WORKGROUP_SIZE: u32 = 64;
struct Params {
  queries: u32,
  tokens: u32,
  q_cols: u32,  // heads * head_dim
  kv_cols: u32, // kv_heads * head_dim
  head_dim: u32,
  half: u32,        // pairs of a head; the dims after 2 * half are copied
  interleaved: u32, // pairs are (2 j, 2 j + 1), else (j, j + half)
}
@group(0) @binding(0) var<storage, read> q: array<f32>;            // [queries, q_cols]
@group(0) @binding(1) var<storage, read> k: array<f32>;            // [tokens, kv_cols]
@group(0) @binding(2) var<storage, read> v: array<f32>;            // [tokens, kv_cols]
@group(0) @binding(3) var<storage, read> cos_sin: array<f32>;      // [positions, 2 * half]
@group(0) @binding(4) var<storage, read> places: array<vec2u>;     // [queries + tokens, 2]
@group(0) @binding(5) var<storage, read_write> turned: array<f32>; // [queries, q_cols]
@group(0) @binding(6) var<storage, read_write> keys: array<f32>;   // [rows, kv_cols]
@group(0) @binding(7) var<storage, read_write> values: array<f32>; // [rows, kv_cols]
@group(0) @binding(8) var<uniform> params: Params;

//#use "rotary_pair.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  let asked = params.queries * params.q_cols;
  let added = params.tokens * params.kv_cols;
  if (i >= asked + 2u * added) { return; }
  if (i >= asked + added) {
    let at = i - asked - added;
    let place = places[params.queries + at / params.kv_cols];
    values[place.y * params.kv_cols + at % params.kv_cols] = v[at];
    return;
  }
  let is_query = i < asked;
  let at = select(i - asked, i, is_query);
  let cols = select(params.kv_cols, params.q_cols, is_query);
  let place = places[select(params.queries, 0u, is_query) + at / cols];
  let dim = at % params.head_dim;
  let pair = pair_of(dim);
  let other = at - dim + u32(pair.x);
  let angle = place.x * 2u * params.half + u32(pair.y);
  var y: f32;
  if (is_query) { y = q[at]; } else { y = k[at]; }
  if (pair.z != 0) {
    var partner: f32;
    if (is_query) { partner = q[other]; } else { partner = k[other]; }
    y = y * cos_sin[angle] + f32(pair.z) * partner * cos_sin[angle + params.half];
  }
  if (is_query) { turned[at] = y; } else { keys[place.y * cols + at % cols] = y; }
}
