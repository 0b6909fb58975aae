// dv[j] = sum_i p[i, j] do[i], dk[j] = sum_i ds[i, j] q[i]; p and ds as in attention_dq.wgsl, i over (query, head) rows
// One workgroup per 32 keys, key head and part of the walk, 8 x 8 invocations; tiles of 32 rows between the first and
// last query that sees any of the keys. Part p of them fills row p of dk and dv. Invocation (y, x) owns keys 4y..4y+3, the products with rows x, x+8, x+16, x+24 and quad x
// of each chunk of dk and dv. Sums run in a fixed order: two runs give the same bits.
alias Chunks2 = array<array<vec4f, 2>, 4>;                            // [keys, ceil(head_dim / 32)]
alias Chunks = Chunks2;
alias Item = f32;                                                     // or vec4f, where head_dim is a multiple of 4
override HEAD_DIM: u32 = 64;
override WIDTH: u32 = 1;                                              // of Item
override SOFTCAP: f32 = 0.0;
const NONE = 0xffffffffu;
const STRIDE = 9u;                                                    // quads in a tile's row, odd against bank conflicts
struct Params { keys: u32, group: u32, heads: u32, kv_heads: u32, parts: u32, scale: f32 }
@group(0) @binding(0) var<storage, read> q: array<Item>;              // [queries, heads * head_dim]
@group(0) @binding(1) var<storage, read> k: array<Item>;              // [keys, kv_heads * head_dim]
@group(0) @binding(2) var<storage, read> v: array<Item>;              // [keys, kv_heads * head_dim]
@group(0) @binding(3) var<storage, read> dout: array<Item>;           // [queries, heads * head_dim]
@group(0) @binding(4) var<storage, read> stats: array<vec2f>;         // [queries, heads]: lse, o . do
@group(0) @binding(5) var<storage, read> ranges: array<vec4u>;        // [queries]
@group(0) @binding(6) var<storage, read> query_ranges: array<vec2u>;  // [keys]
@group(0) @binding(7) var<storage, read_write> dk: array<f32>;        // [parts, keys, kv_heads * head_dim]
@group(0) @binding(8) var<storage, read_write> dv: array<f32>;        // [parts, keys, kv_heads * head_dim]
@group(0) @binding(9) var<uniform> params: Params;

var<workgroup> own: array<vec4f, 288>;                                // [32 keys, STRIDE]
var<workgroup> other: array<vec4f, 288>;                              // [32 rows, STRIDE]
var<workgroup> factors: array<f32, 1152>;                             // [32 keys, 4 * STRIDE], one of 32 rows after the other

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

// products of 4 keys of `own` with rows x, x+8, x+16, x+24 of `other`
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
  let kv_head = block.z % params.kv_heads;
  let part = block.z / params.kv_heads;
  let first = (block.x + block.y * blocks.x) * 32u;
  if (first >= params.keys) { return; }
  let last = min(first + 32u, params.keys) - 1u;
  let x = lane % 8u;
  let y = lane / 8u;

  var begin = NONE;
  var end = 0u;
  for (var key = first; key <= last; key++) {
    let range = query_ranges[key];
    if (range.x < range.y) { begin = min(begin, range.x); end = max(end, range.y); }
  }
  let last_row = max(end, 1u) * params.group - 1u;
  var sums: array<Chunks, 2>;                                         // dv, dk
  for (var r = 0u; r < 4u; r++) {
    for (var c = 0u; c * 32u < HEAD_DIM; c++) {
      sums[0][r][c] = vec4f(0.0);
      sums[1][r][c] = vec4f(0.0);
    }
  }

  let first_row = min(begin, end) * params.group;
  let tiles = (end * params.group - first_row + 31u) / 32u;
  let rows = (tiles + params.parts - 1u) / params.parts * 32u;        // of a part
  let part_end = min(first_row + (part + 1u) * rows, end * params.group);
  for (var row = first_row + part * rows; row < part_end; row += 32u) {
    var products: array<array<vec4f, 4>, 2>;                          // k . q, v . do
    for (var pair = 0u; pair < 2u; pair++) {
      var s: array<vec4f, 4>;
      for (var r = 0u; r < 4u; r++) { s[r] = vec4f(0.0); }
      for (var dim = 0u; dim < HEAD_DIM; dim += 32u) {
        workgroupBarrier();
        for (var i = lane; i < 256u; i += 64u) {
          let at = i / 8u * STRIDE + i % 8u;
          let d = dim + i % 8u * 4u;
          own[at] = quad_of(pair + 1u, min(first + i / 8u, last) * params.kv_heads + kv_head, d);
          other[at] = quad_of(pair * 3u, head_of(min(row + i / 8u, last_row), kv_head), d);
        }
        workgroupBarrier();
        add_products(&s, x, y);
      }
      products[pair] = s;
    }

    for (var c = 0u; c < 4u; c++) {
      let column = min(row + x + 8u * c, last_row);
      let range = ranges[column / params.group];
      let stat = stats[head_of(column, kv_head)];
      for (var r = 0u; r < 4u; r++) {
        let key = first + y * 4u + r;
        let seen = row + x + 8u * c <= last_row &&
          ((key >= range.x && key < range.y) || (key >= range.z && key < range.w));
        let s = score(products[0][r][c]);
        let p = select(0.0, exp(s - stat.x), seen);
        products[0][r][c] = p;
        products[1][r][c] = p * (products[1][r][c] - stat.y) * score_slope(s);
      }
    }

    for (var pair = 0u; pair < 2u; pair++) {                          // dv += p do, then dk += ds q
      workgroupBarrier();
      for (var r = 0u; r < 4u; r++) {
        for (var c = 0u; c < 4u; c++) {
          factors[(y * 4u + r) * 4u * STRIDE + x + 8u * c] = products[pair][r][c];
        }
      }
      for (var chunk = 0u; chunk * 32u < HEAD_DIM; chunk++) {
        workgroupBarrier();
        for (var i = lane; i < 256u; i += 64u) {
          other[i / 8u * STRIDE + i % 8u] = quad_of(
            3u - pair * 3u, head_of(min(row + i / 8u, last_row), kv_head), chunk * 32u + i % 8u * 4u);
        }
        workgroupBarrier();
        for (var j = 0u; j < 8u; j++) {
          let b0 = other[(4u * j) * STRIDE + x];
          let b1 = other[(4u * j + 1u) * STRIDE + x];
          let b2 = other[(4u * j + 2u) * STRIDE + x];
          let b3 = other[(4u * j + 3u) * STRIDE + x];
          for (var r = 0u; r < 4u; r++) {
            let at = (y * 4u + r) * 4u * STRIDE + 4u * j;
            sums[pair][r][chunk] += factors[at] * b0 + factors[at + 1u] * b1 + factors[at + 2u] * b2 + factors[at + 3u] * b3;
          }
        }
      }
    }
  }

  for (var r = 0u; r < 4u; r++) {
    let key = first + y * 4u + r;
    if (key > last) { continue; }
    for (var dim = x * 4u; dim < HEAD_DIM; dim += 32u) {
      for (var c = 0u; c < 4u; c++) {
        if (dim + c >= HEAD_DIM) { continue; }
        let at = ((part * params.keys + key) * params.kv_heads + kv_head) * HEAD_DIM + dim + c;
        dv[at] = sums[0][r][dim / 32u][c];
        dk[at] = sums[1][r][dim / 32u][c];
      }
    }
  }
}
