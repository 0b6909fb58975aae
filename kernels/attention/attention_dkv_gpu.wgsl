// dv[j] = sum_i p[i, j] dout[i] and dk[j] = sum_i ds[i, j] q[i] over the (query, head) rows i, with
// p and ds of attention_dq_gpu.wgsl.
// One workgroup takes 32 keys, a key head and one part of the walk, with 8 x 8 invocations; the
// walk goes in tiles of 32 rows from the first to the last query that sees any of the keys. Part p
// fills row p of dk and dv, and column_sums adds the parts up.
// Invocation (y, x) owns the keys 4y .. 4y + 3: their products with the rows x, x + 8, x + 16 and
// x + 24 of a tile, and quad x of each chunk of their dk and dv.
// Sums run in a fixed order, so that two runs give the same bits.
// Shapes below: q_cols = heads * head_dim and kv_cols = kv_heads * head_dim.
alias Chunks2 = array<array<vec4f, 2>, 4>;
alias Chunks = Chunks2; // [keys, ceil(head_dim / 32)]
alias Item = f32;       // vec4f if 4 divides head_dim
override HEAD_DIM: u32 = 64;
override WIDTH: u32 = 1; // numbers in an Item
override SOFTCAP: f32 = 0.0;
const NONE = 0xffffffffu;
const STRIDE = 9u; // quads from row to row of a tile: odd against bank conflicts
struct Params { keys: u32, group: u32, heads: u32, kv_heads: u32, parts: u32, scale: f32 }
@group(0) @binding(0) var<storage, read> q: array<Item>;             // [queries, q_cols]
@group(0) @binding(1) var<storage, read> k: array<Item>;             // [keys, kv_cols]
@group(0) @binding(2) var<storage, read> v: array<Item>;             // [keys, kv_cols]
@group(0) @binding(3) var<storage, read> dout: array<Item>;          // [queries, q_cols]
@group(0) @binding(4) var<storage, read> stats: array<vec2f>;        // [queries, heads, 2]
@group(0) @binding(5) var<storage, read> ranges: array<vec4u>;       // [queries]
@group(0) @binding(6) var<storage, read> query_ranges: array<vec2u>; // [keys]
@group(0) @binding(7) var<storage, read_write> dk: array<f32>;       // [parts, keys, kv_cols]
@group(0) @binding(8) var<storage, read_write> dv: array<f32>;       // [parts, keys, kv_cols]
@group(0) @binding(9) var<uniform> params: Params;

var<workgroup> own: array<vec4f, 288>;    // [32 keys, STRIDE]
var<workgroup> other: array<vec4f, 288>;  // [32 rows, STRIDE]
var<workgroup> factors: array<f32, 1152>; // p or ds, [32 keys, 32 rows of 4 * STRIDE]

//#use "score.wgsl" SLOPE = 1
//#use "head_of.wgsl"
//#use "quad_of.wgsl"

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
  var sums: array<Chunks, 2>; // dv, dk
  for (var r = 0u; r < 4u; r++) {
    for (var c = 0u; c * 32u < HEAD_DIM; c++) {
      sums[0][r][c] = vec4f(0.0);
      sums[1][r][c] = vec4f(0.0);
    }
  }

  let first_row = min(begin, end) * params.group;
  let tiles = (end * params.group - first_row + 31u) / 32u;
  let rows = (tiles + params.parts - 1u) / params.parts * 32u; // of a part
  let part_end = min(first_row + (part + 1u) * rows, end * params.group);
  for (var row = first_row + part * rows; row < part_end; row += 32u) {
    var products: array<array<vec4f, 4>, 2>; // k . q, v . dout
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

    for (var pair = 0u; pair < 2u; pair++) { // dv += p dout, then dk += ds q
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
            3u - pair * 3u,
            head_of(min(row + i / 8u, last_row), kv_head),
            chunk * 32u + i % 8u * 4u);
        }
        workgroupBarrier();
        //#use "block_sums.wgsl" SUM = "sums[pair][r][chunk]", FACTORS = "factors"
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
