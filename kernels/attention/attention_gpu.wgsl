// A row i is a (query, head) pair here. o[i] = sum_j p[i, j] v[j] and
// lse[i] = log sum_j exp(score[i, j]), where p[i] = softmax_j(score[i, j]) over the keys j that the
// row sees, and score is the function of score.wgsl.
// Streaming softmax with a running maximum: https://arxiv.org/abs/2205.14135, Algorithm 1.
// One workgroup takes 32 rows that share a key head, with 8 x 8 invocations, and walks over tiles
// of 32 keys; head_dim goes through workgroup memory in chunks of 32.
// Invocation (y, x) owns the rows 4y .. 4y + 3: their scores with the keys x, x + 8, x + 16 and
// x + 24 of a tile, and quad x of each chunk of their o.
// Shapes below: q_cols = heads * head_dim and kv_cols = kv_heads * head_dim.
alias Chunks2 = array<array<vec4f, 2>, 4>;
alias Chunks = Chunks2; // [rows, ceil(head_dim / 32)]
alias Item = f32;       // vec4f if 4 divides head_dim
override HEAD_DIM: u32 = 64;
override WIDTH: u32 = 1; // numbers in an Item
override SOFTCAP: f32 = 0.0;
const NO_KEYS = -1e30;
const NONE = 0xffffffffu;
const STRIDE = 9u; // quads from row to row of a tile: odd against bank conflicts
struct Params { rows: u32, group: u32, heads: u32, kv_heads: u32, scale: f32 }
@group(0) @binding(0) var<storage, read> q: array<Item>;        // [queries, q_cols]
@group(0) @binding(1) var<storage, read> k: array<Item>;        // [keys, kv_cols]
@group(0) @binding(2) var<storage, read> v: array<Item>;        // [keys, kv_cols]
@group(0) @binding(3) var<storage, read> ranges: array<vec4u>;  // [queries]
@group(0) @binding(4) var<storage, read_write> o: array<f32>;   // [queries, q_cols]
@group(0) @binding(5) var<storage, read_write> lse: array<f32>; // [queries, heads]
@group(0) @binding(6) var<uniform> params: Params;

var<workgroup> own: array<vec4f, 288>;    // [32 rows, STRIDE]
var<workgroup> other: array<vec4f, 288>;  // [32 keys, STRIDE]
var<workgroup> weights: array<f32, 1152>; // p, [32 rows, 4 * STRIDE], of which 32 keys are used
var<workgroup> partial: array<f32, 256>;  // [32 rows, 8]

//#use "score.wgsl" SLOPE = 0
//#use "head_of.wgsl"
//#use "head_quad.wgsl" NAME = "q"
//#use "head_quad.wgsl" NAME = "k"
//#use "head_quad.wgsl" NAME = "v"

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
  for (var r = 0u; r < 4u; r++) { seen[r] = ranges[min(first + y * 4u + r, last) / params.group]; }

  var out: Chunks;
  for (var r = 0u; r < 4u; r++) {
    for (var c = 0u; c * 32u < HEAD_DIM; c++) { out[r][c] = vec4f(0.0); }
  }
  var most = vec4f(NO_KEYS);
  var sum = vec4f(0.0);
  for (var part = 0u; part < 2u; part++) {
    let begin = select(bounds.x, bounds.z, part == 1u);
    let end = select(bounds.y, bounds.w, part == 1u);
    for (var key = begin; key < end; key += 32u) {
      var s: array<vec4f, 4>; // [rows][keys x + 8c]
      for (var r = 0u; r < 4u; r++) { s[r] = vec4f(0.0); }
      for (var dim = 0u; dim < HEAD_DIM; dim += 32u) {
        workgroupBarrier();
        for (var i = lane; i < 256u; i += 64u) {
          let at = i / 8u * STRIDE + i % 8u;
          let d = dim + i % 8u * 4u;
          own[at] = q_quad(head_of(min(first + i / 8u, last), kv_head), d);
          other[at] = k_quad(min(key + i / 8u, end - 1u) * params.kv_heads + kv_head, d);
        }
        workgroupBarrier();
        //#use "block_products.wgsl" SUM = "s", ROW = "k"
      }

      // m' = max(m, s); p = exp(s - m'); l' = l * exp(m - m') + sum(p)
      var sees: array<vec4<bool>, 4>;
      for (var r = 0u; r < 4u; r++) {
        let start = select(seen[r].x, seen[r].z, part == 1u);
        let count = max(start, select(seen[r].y, seen[r].w, part == 1u)) - start;
        sees[r] = vec4u(key + x) + vec4u(0u, 8u, 16u, 24u) - start < vec4u(count);
        let scores = vec4f(score(s[r].x), score(s[r].y), score(s[r].z), score(s[r].w));
        s[r] = select(vec4f(NO_KEYS), scores, sees[r]);
        partial[(y * 4u + r) * 8u + x] = max(max(s[r].x, s[r].y), max(s[r].z, s[r].w));
      }
      workgroupBarrier();
      var fade: vec4f;
      for (var r = 0u; r < 4u; r++) {
        var next = most[r];
        for (var i = 0u; i < 8u; i++) { next = max(next, partial[(y * 4u + r) * 8u + i]); }
        fade[r] = exp(most[r] - next);
        most[r] = next;
        let p = select(vec4f(0.0), exp(s[r] - next), sees[r]);
        sum[r] = sum[r] * fade[r] + p.x + p.y + p.z + p.w;
        for (var c = 0u; c < 4u; c++) {
          weights[(y * 4u + r) * 4u * STRIDE + x + 8u * c] = p[c];
        }
      }

      // o' = o * exp(m - m') + p v
      for (var chunk = 0u; chunk * 32u < HEAD_DIM; chunk++) {
        workgroupBarrier();
        for (var i = lane; i < 256u; i += 64u) {
          other[i / 8u * STRIDE + i % 8u] = v_quad(
            min(key + i / 8u, end - 1u) * params.kv_heads + kv_head, chunk * 32u + i % 8u * 4u);
        }
        workgroupBarrier();
        for (var r = 0u; r < 4u; r++) { out[r][chunk] *= fade[r]; }
        //#use "block_sums.wgsl" SUM = "out[r][chunk]", FACTORS = "weights", ROW = "v"
      }
    }
  }

  for (var r = 0u; r < 4u; r++) { partial[(y * 4u + r) * 8u + x] = sum[r]; }
  workgroupBarrier();
  for (var r = 0u; r < 4u; r++) {
    let row = first + y * 4u + r;
    if (row > last) { continue; }
    var total = 0.0;
    for (var i = 0u; i < 8u; i++) { total += partial[(y * 4u + r) * 8u + i]; }
    let head = head_of(row, kv_head);
    let factor = select(0.0, 1.0 / total, total > 0.0);
    if (x == 0u) { lse[head] = select(NO_KEYS, most[r] + log(total), total > 0.0); }
    for (var dim = x * 4u; dim < HEAD_DIM; dim += 32u) {
      for (var c = 0u; c < 4u; c++) {
        if (dim + c < HEAD_DIM) { o[head * HEAD_DIM + dim + c] = out[r][dim / 32u][c] * factor; }
      }
    }
  }
}
