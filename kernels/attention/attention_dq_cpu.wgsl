//#values QUADS, LANES, ROWS, KEYS, FLAT_WIDTH, WRAPS
// dq as in attention_dq_gpu.wgsl, for CPUs: a lane owns ROWS rows with q, dout and dq in named
// variables, and all lanes walk over the same keys, KEYS at a step, as in the forward kernel for
// CPUs.
// Shapes below: q_cols = heads * head_dim and kv_cols = kv_heads * head_dim.
struct Params { rows: u32, group: u32, heads: u32, kv_heads: u32, scale: f32 }
@group(0) @binding(0) var q: texture_storage_2d<rgba32float, read>;     // [queries, q_cols]
@group(0) @binding(1) var k: texture_storage_2d<rgba32float, read>;     // [keys, kv_cols]
@group(0) @binding(2) var v: texture_storage_2d<rgba32float, read>;     // [keys, kv_cols]
@group(0) @binding(3) var dout: texture_storage_2d<rgba32float, read>;  // [queries, q_cols]
@group(0) @binding(4) var stats: texture_storage_2d<rgba32float, read>; // [queries, heads, 2]
@group(0) @binding(5) var ranges: texture_storage_2d<rgba32uint, read>; // [queries]
@group(0) @binding(6) var<storage, read_write> dq: array<vec4f>;        // [queries, q_cols]
@group(0) @binding(7) var<uniform> params: Params;

//#use "flat_place.wgsl"
override SOFTCAP: f32 = 0.0;
//#use "score.wgsl" SLOPE = 1
//#use "stats_of.wgsl"

@compute @workgroup_size(#{LANES})
fn main(
  @builtin(workgroup_id) block: vec3u,
  @builtin(num_workgroups) blocks: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let kv_head = block.z;
  let first = (block.x + block.y * blocks.x) * #{LANES * ROWS}u;
  let last = min(first + #{LANES * ROWS}u, params.rows) - 1u;
  //#use "key_bounds.wgsl" RANGE = "textureLoad(ranges, place(query))"
  //#for i in ROWS
  //#use "lane_row.wgsl"
  //#use "head_place.wgsl" NAME = "q_at#{i}", TEXEL = "head#{i} * #{QUADS}u"
  let stat#{i} = stats_of(head#{i});
  //#for d in QUADS
  //#use "load_quad.wgsl" NAME = "q#{i}_#{d}", TEXTURE = "q", AT = "q_at#{i}", QUAD = d
  //#use "load_quad.wgsl" NAME = "do#{i}_#{d}", TEXTURE = "dout", AT = "q_at#{i}", QUAD = d
  var dq#{i}_#{d} = vec4f(0.0);
  //#end
  //#end

  for (var part = 0u; part < 2u; part++) {
    let begin = select(bounds.x, bounds.z, part == 1u);
    let end = select(bounds.y, bounds.w, part == 1u);
    //#for i in ROWS
    let start#{i} = select(range#{i}.x, range#{i}.z, part == 1u);
    let count#{i} = max(start#{i}, select(range#{i}.y, range#{i}.w, part == 1u)) - start#{i};
    //#end
    for (var key = begin; key < end; key += #{KEYS}u) {
      // products q . k and dout . v
      //#for j in KEYS
      let key#{j} = min(key + #{j}u, end - 1u);
      //#let TEXEL = "(key#{j} * params.kv_heads + kv_head) * #{QUADS}u"
      //#use "head_place.wgsl" NAME = "at#{j}"
      //#end
      //#for i in ROWS, j in KEYS
      var s#{i}_#{j} = 0.0;
      var dp#{i}_#{j} = 0.0;
      //#end
      //#for d in QUADS
      //#for j in KEYS
      //#use "load_quad.wgsl" NAME = "k#{d}_#{j}", TEXTURE = "k", AT = "at#{j}", QUAD = d
      //#use "load_quad.wgsl" NAME = "v#{d}_#{j}", TEXTURE = "v", AT = "at#{j}", QUAD = d
      //#end
      //#for i in ROWS, j in KEYS
      s#{i}_#{j} += dot(q#{i}_#{d}, k#{d}_#{j});
      dp#{i}_#{j} += dot(do#{i}_#{d}, v#{d}_#{j});
      //#end
      //#end

      // p = exp(s - lse); ds = p * (dout . v - o . dout) * slope, 0 for a key that the row does not
      // see
      //#for i in ROWS, j in KEYS
      let score#{i}_#{j} = score(s#{i}_#{j});
      let ds#{i}_#{j} = select(
        0.0,
        exp(score#{i}_#{j} - stat#{i}.x) * (dp#{i}_#{j} - stat#{i}.y) * score_slope(score#{i}_#{j}),
        key + #{j}u - start#{i} < count#{i});
      //#end

      // dq += ds k
      //#for d in QUADS, i in ROWS
      dq#{i}_#{d} += #[k#{d}_#{j} * ds#{i}_#{j} for j in KEYS join " + "];
      //#end
    }
  }

  //#for i in ROWS
  if (row#{i} < params.rows) {
    //#for d in QUADS
    dq[head#{i} * #{QUADS}u + #{d}u] = dq#{i}_#{d};
    //#end
  }
  //#end
}
