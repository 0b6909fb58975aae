// Rows for attention over a cache: queries turned by their position's angles, new keys turned and new values as they are,
// both written to their rows of the cache. Pairs (x1, x2) of a head turn: y1 = x1 cos - x2 sin, y2 = x2 cos + x1 sin.
// One invocation per element: all of q, then all of k, then all of v.
override WORKGROUP_SIZE: u32 = 64;
struct Params {
  queries: u32,
  tokens: u32,
  q_cols: u32,                                                        // heads * head_dim
  kv_cols: u32,                                                       // kv_heads * head_dim
  head_dim: u32,
  half: u32,                                                          // pairs of a head; the dims after 2 * half are copied
  interleaved: u32,                                                   // pairs are (2 j, 2 j + 1), else (j, j + half)
}
@group(0) @binding(0) var<storage, read> q: array<f32>;               // [queries, q_cols]
@group(0) @binding(1) var<storage, read> k: array<f32>;               // [tokens, kv_cols]
@group(0) @binding(2) var<storage, read> v: array<f32>;               // [tokens, kv_cols]
@group(0) @binding(3) var<storage, read> cos_sin: array<f32>;         // [positions, 2 * half], cosines then sines
@group(0) @binding(4) var<storage, read> places: array<vec2u>;        // [queries + tokens]: position, row of the cache
@group(0) @binding(5) var<storage, read_write> turned: array<f32>;    // [queries, q_cols]
@group(0) @binding(6) var<storage, read_write> keys: array<f32>;      // [rows, kv_cols]
@group(0) @binding(7) var<storage, read_write> values: array<f32>;    // [rows, kv_cols]
@group(0) @binding(8) var<uniform> params: Params;

// where a dim's partner lies, and which angle is theirs; .z is the sine's sign: 0 keeps the dim as it is
fn pair_of(dim: u32) -> vec3i {
  if (dim >= 2u * params.half) { return vec3i(i32(dim), 0, 0); }
  if (params.interleaved != 0u) { return vec3i(i32(dim ^ 1u), i32(dim / 2u), select(-1, 1, dim % 2u == 1u)); }
  let second = dim >= params.half;
  return vec3i(i32(select(dim + params.half, dim - params.half, second)), i32(dim % params.half), select(-1, 1, second));
}

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
