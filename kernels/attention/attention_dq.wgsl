// dq[i] = sum_j ds[i, j] k[j], ds = p * (do . v - o . do) * slope, p = exp(score - lse)
// Rows, tiles and invocations as in attention.wgsl; scores are computed again, nothing is stored.
alias Chunks2 = array<array<vec4f, 2>, 4>;                            // [rows, ceil(head_dim / 32)]
alias Chunks = Chunks2;
alias Item = f32;                                                     // or vec4f, where head_dim is a multiple of 4
override HEAD_DIM: u32 = 64;
override WIDTH: u32 = 1;                                              // of Item
override SOFTCAP: f32 = 0.0;
const NONE = 0xffffffffu;
const STRIDE = 9u;                                                    // quads in a tile's row, odd against bank conflicts
struct Params { rows: u32, group: u32, heads: u32, kv_heads: u32, scale: f32 }
@group(0) @binding(0) var<storage, read> q: array<Item>;              // [queries, heads * head_dim]
@group(0) @binding(1) var<storage, read> k: array<Item>;              // [keys, kv_heads * head_dim]
@group(0) @binding(2) var<storage, read> v: array<Item>;              // [keys, kv_heads * head_dim]
@group(0) @binding(3) var<storage, read> dout: array<Item>;           // [queries, heads * head_dim]
@group(0) @binding(4) var<storage, read> stats: array<vec2f>;         // [queries, heads]: lse, o . do
@group(0) @binding(5) var<storage, read> ranges: array<vec4u>;        // [queries]
@group(0) @binding(6) var<storage, read_write> dq: array<f32>;        // [queries, heads * head_dim]
@group(0) @binding(7) var<uniform> params: Params;

var<workgroup> own: array<vec4f, 288>;                                // [32 rows, STRIDE]
var<workgroup> other: array<vec4f, 288>;                              // [32 keys, STRIDE]
var<workgroup> slopes: array<f32, 1152>;                              // [32 rows, 4 * STRIDE], one of 32 keys after the other

fn score(product: f32) -> f32 {
  if (SOFTCAP > 0.0) { return SOFTCAP * tanh(params.scale * product / SOFTCAP); }
  return params.scale * product;
}

fn score_slope(score: f32) -> f32 {
  if (SOFTCAP > 0.0) { return params.scale * (1.0 - score * score / (SOFTCAP * SOFTCAP)); }
  return params.scale;
}

fn head_of(row: u32, kv_head: u32) -> u32 {
  return row / params.group * params.heads + kv_head * params.group + row % params.group;
}

// quad `dim..dim+3` of a row of q (0), k (1), v (2) or do (3); zeros past the head's end
fn quad_of(source: u32, head: u32, dim: u32) -> vec4f {
  let at = head * HEAD_DIM + dim;
  if (WIDTH == 4u && dim < HEAD_DIM) { return item_of(source, at / 4u); }
  var quad = vec4f(0.0);
  for (var c = 0u; c < 4u; c++) { if (dim + c < HEAD_DIM) { quad[c] = item_of(source, at + c).x; } }
  return quad;
}

fn item_of(source: u32, at: u32) -> vec4f {
  switch source {
    case 0u: { return vec4f(q[at]); }
    case 1u: { return vec4f(k[at]); }
    case 2u: { return vec4f(v[at]); }
    default: { return vec4f(dout[at]); }
  }
}

// products of 4 rows of `own` with keys x, x+8, x+16, x+24 of `other`
fn add_products(s: ptr<function, array<vec4f, 4>>, x: u32, y: u32) {
  for (var d = 0u; d < 8u; d++) {
    let b0 = other[x * STRIDE + d];
    let b1 = other[(x + 8u) * STRIDE + d];
    let b2 = other[(x + 16u) * STRIDE + d];
    let b3 = other[(x + 24u) * STRIDE + d];
    for (var r = 0u; r < 4u; r++) {
      let a = own[(y * 4u + r) * STRIDE + d];
      (*s)[r] += vec4f(dot(a, b0), dot(a, b1), dot(a, b2), dot(a, b3));
    }
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) block: vec3u,
  @builtin(num_workgroups) blocks: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let kv_head = block.z;
  let first = (block.x + block.y * blocks.x) * 32u;
  if (first >= params.rows) { return; }
  let last = min(first + 32u, params.rows) - 1u;
  let x = lane % 8u;
  let y = lane / 8u;

  var bounds = vec4u(NONE, 0u, NONE, 0u);
  for (var query = first / params.group; query <= last / params.group; query++) {
    let range = ranges[query];
    if (range.x < range.y) { bounds.x = min(bounds.x, range.x); bounds.y = max(bounds.y, range.y); }
    if (range.z < range.w) { bounds.z = min(bounds.z, range.z); bounds.w = max(bounds.w, range.w); }
  }
  var seen: array<vec4u, 4>;
  var stat: array<vec2f, 4>;
  var out: Chunks;
  for (var r = 0u; r < 4u; r++) {
    let row = min(first + y * 4u + r, last);
    seen[r] = ranges[row / params.group];
    stat[r] = stats[head_of(row, kv_head)];
    for (var c = 0u; c * 32u < HEAD_DIM; c++) { out[r][c] = vec4f(0.0); }
  }

  for (var part = 0u; part < 2u; part++) {
    let begin = select(bounds.x, bounds.z, part == 1u);
    let end = select(bounds.y, bounds.w, part == 1u);
    for (var key = begin; key < end; key += 32u) {
      var products: array<array<vec4f, 4>, 2>;                        // q . k, do . v
      for (var pair = 0u; pair < 2u; pair++) {
        var s: array<vec4f, 4>;
        for (var r = 0u; r < 4u; r++) { s[r] = vec4f(0.0); }
        for (var dim = 0u; dim < HEAD_DIM; dim += 32u) {
          workgroupBarrier();
          for (var i = lane; i < 256u; i += 64u) {
            let at = i / 8u * STRIDE + i % 8u;
            let d = dim + i % 8u * 4u;
            own[at] = quad_of(pair * 3u, head_of(min(first + i / 8u, last), kv_head), d);
            other[at] = quad_of(pair + 1u, min(key + i / 8u, end - 1u) * params.kv_heads + kv_head, d);
          }
          workgroupBarrier();
          add_products(&s, x, y);
        }
        products[pair] = s;
      }

      for (var r = 0u; r < 4u; r++) {
        let start = select(seen[r].x, seen[r].z, part == 1u);
        let count = max(start, select(seen[r].y, seen[r].w, part == 1u)) - start;
        for (var c = 0u; c < 4u; c++) {
          let s = score(products[0][r][c]);
          let ds = exp(s - stat[r].x) * (products[1][r][c] - stat[r].y) * score_slope(s);
          slopes[(y * 4u + r) * 4u * STRIDE + x + 8u * c] =
            select(0.0, ds, key + x + 8u * c - start < count);
        }
      }

      for (var chunk = 0u; chunk * 32u < HEAD_DIM; chunk++) {
        workgroupBarrier();
        for (var i = lane; i < 256u; i += 64u) {
          other[i / 8u * STRIDE + i % 8u] = quad_of(
            1u, min(key + i / 8u, end - 1u) * params.kv_heads + kv_head, chunk * 32u + i % 8u * 4u);
        }
        workgroupBarrier();
        for (var j = 0u; j < 8u; j++) {
          let b0 = other[(4u * j) * STRIDE + x];
          let b1 = other[(4u * j + 1u) * STRIDE + x];
          let b2 = other[(4u * j + 2u) * STRIDE + x];
          let b3 = other[(4u * j + 3u) * STRIDE + x];
          for (var r = 0u; r < 4u; r++) {
            let at = (y * 4u + r) * 4u * STRIDE + 4u * j;
            out[r][chunk] += slopes[at] * b0 + slopes[at + 1u] * b1 + slopes[at + 2u] * b2 + slopes[at + 3u] * b3;
          }
        }
      }
    }
  }

  for (var r = 0u; r < 4u; r++) {
    let row = first + y * 4u + r;
    if (row > last) { continue; }
    let head = head_of(row, kv_head);
    for (var dim = x * 4u; dim < HEAD_DIM; dim += 32u) {
      for (var c = 0u; c < 4u; c++) {
        if (dim + c < HEAD_DIM) { dq[head * HEAD_DIM + dim + c] = out[r][dim / 32u][c]; }
      }
    }
  }
}
