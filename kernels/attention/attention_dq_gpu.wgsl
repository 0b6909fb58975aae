// dq[i] = sum_j ds[i, j] k[j] with ds = p (dout . v - o . dout) slope and p = exp(score - lse),
// where slope is the score's with respect to q . k. https://arxiv.org/abs/2205.14135, Algorithm 4.
// Rows, tiles and invocations are those of attention_gpu.wgsl. Scores are made again, none is
// stored.
// Shapes below: q_cols = heads * head_dim and kv_cols = kv_heads * head_dim.
alias Chunks2 = array<array<vec4f, 2>, 4>;
alias Chunks = Chunks2; // [rows, ceil(head_dim / 32)]
alias Item = f32;       // vec4f if 4 divides head_dim
override HEAD_DIM: u32 = 64;
override WIDTH: u32 = 1; // numbers in an Item
override SOFTCAP: f32 = 0.0;
const NONE = 0xffffffffu;
const STRIDE = 9u; // quads from row to row of a tile: odd against bank conflicts
struct Params { rows: u32, group: u32, heads: u32, kv_heads: u32, scale: f32 }
@group(0) @binding(0) var<storage, read> q: array<Item>;       // [queries, q_cols]
@group(0) @binding(1) var<storage, read> k: array<Item>;       // [keys, kv_cols]
@group(0) @binding(2) var<storage, read> v: array<Item>;       // [keys, kv_cols]
@group(0) @binding(3) var<storage, read> dout: array<Item>;    // [queries, q_cols]
@group(0) @binding(4) var<storage, read> stats: array<vec2f>;  // [queries, heads, 2]
@group(0) @binding(5) var<storage, read> ranges: array<vec4u>; // [queries]
@group(0) @binding(6) var<storage, read_write> dq: array<f32>; // [queries, q_cols]
@group(0) @binding(7) var<uniform> params: Params;

var<workgroup> own: array<vec4f, 288>;   // [32 rows, STRIDE]
var<workgroup> other: array<vec4f, 288>; // [32 keys, STRIDE]
var<workgroup> slopes: array<f32, 1152>; // ds, [32 rows, 32 keys of 4 * STRIDE]

//#use "score.wgsl" SLOPE = 1
//#use "head_of.wgsl"
//#use "quad_of.wgsl"

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

  //#use "key_bounds.wgsl" RANGE = "ranges[query]"
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
      var products: array<array<vec4f, 4>, 2>; // q . k, dout . v
      for (var pair = 0u; pair < 2u; pair++) {
        var s: array<vec4f, 4>;
        for (var r = 0u; r < 4u; r++) { s[r] = vec4f(0.0); }
        for (var dim = 0u; dim < HEAD_DIM; dim += 32u) {
          workgroupBarrier();
          for (var i = lane; i < 256u; i += 64u) {
            let at = i / 8u * STRIDE + i % 8u;
            let d = dim + i % 8u * 4u;
            own[at] = quad_of(pair * 3u, head_of(min(first + i / 8u, last), kv_head), d);
            other[at] =
              quad_of(pair + 1u, min(key + i / 8u, end - 1u) * params.kv_heads + kv_head, d);
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
        //#use "block_sums.wgsl" SUM = "out[r][chunk]", FACTORS = "slopes"
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
