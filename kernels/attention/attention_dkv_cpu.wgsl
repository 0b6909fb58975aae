//#values QUADS, LANES, KEYS, QUERIES, FLAT_WIDTH, WRAPS
// dk and dv as in attention_dkv_gpu.wgsl, for CPUs: a lane owns KEYS keys with k, v, dk and dv in
// named variables. All lanes walk, head by head of the group, over the queries that see any key of
// the workgroup, QUERIES at a step.
// Shapes below: q_cols = heads * head_dim and kv_cols = kv_heads * head_dim.
struct Params { keys: u32, group: u32, heads: u32, kv_heads: u32, scale: f32 }
@group(0) @binding(0) var q: texture_storage_2d<rgba32float, read>;     // [queries, q_cols]
@group(0) @binding(1) var k: texture_storage_2d<rgba32float, read>;     // [keys, kv_cols]
@group(0) @binding(2) var v: texture_storage_2d<rgba32float, read>;     // [keys, kv_cols]
@group(0) @binding(3) var dout: texture_storage_2d<rgba32float, read>;  // [queries, q_cols]
@group(0) @binding(4) var stats: texture_storage_2d<rgba32float, read>; // [queries, heads, 2]
@group(0) @binding(5) var ranges: texture_storage_2d<rgba32uint, read>; // [queries]
@group(0) @binding(6) var<storage, read> query_ranges: array<vec2u>;    // [keys]
@group(0) @binding(7) var<storage, read_write> dk: array<vec4f>;        // [keys, kv_cols]
@group(0) @binding(8) var<storage, read_write> dv: array<vec4f>;        // [keys, kv_cols]
@group(0) @binding(9) var<uniform> params: Params;

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
  let first = (block.x + block.y * blocks.x) * #{LANES * KEYS}u;
  var begin = NONE;
  var end = 0u;
  for (var j = first; j < min(first + #{LANES * KEYS}u, params.keys); j++) {
    let range = query_ranges[j];
    if (range.x < range.y) {
      begin = min(begin, range.x);
      end = max(end, range.y);
    }
  }
  //#for i in KEYS
  let key#{i} = first + #{LANES * i}u + lane;
  let row#{i} = min(key#{i}, params.keys - 1u) * params.kv_heads + kv_head;
  //#use "head_place.wgsl" NAME = "k_at#{i}", TEXEL = "row#{i} * #{QUADS}u"
  //#for d in QUADS
  //#use "load_quad.wgsl" NAME = "k#{i}_#{d}", TEXTURE = "k", AT = "k_at#{i}", QUAD = d
  //#use "load_quad.wgsl" NAME = "v#{i}_#{d}", TEXTURE = "v", AT = "k_at#{i}", QUAD = d
  var dk#{i}_#{d} = vec4f(0.0);
  var dv#{i}_#{d} = vec4f(0.0);
  //#end
  //#end

  for (var h = 0u; h < params.group; h++) {
    let head = kv_head * params.group + h;
    for (var query = begin; query < end; query += #{QUERIES}u) {
      //#for j in QUERIES
      let query#{j} = min(query + #{j}u, end - 1u);
      let range#{j} =
        select(vec4u(0u), textureLoad(ranges, place(query#{j})), query + #{j}u < end);
      let first_count#{j} = max(range#{j}.x, range#{j}.y) - range#{j}.x;
      let second_count#{j} = max(range#{j}.z, range#{j}.w) - range#{j}.z;
      let head#{j} = query#{j} * params.heads + head;
      let stat#{j} = stats_of(head#{j});
      //#use "head_place.wgsl" NAME = "at#{j}", TEXEL = "head#{j} * #{QUADS}u"
      //#end

      // products k . q and v . dout
      //#for i in KEYS, j in QUERIES
      var s#{i}_#{j} = 0.0;
      var dp#{i}_#{j} = 0.0;
      //#end
      //#for d in QUADS
      //#for j in QUERIES
      //#use "load_quad.wgsl" NAME = "q#{d}_#{j}", TEXTURE = "q", AT = "at#{j}", QUAD = d
      //#use "load_quad.wgsl" NAME = "do#{d}_#{j}", TEXTURE = "dout", AT = "at#{j}", QUAD = d
      //#end
      //#for i in KEYS, j in QUERIES
      s#{i}_#{j} += dot(k#{i}_#{d}, q#{d}_#{j});
      dp#{i}_#{j} += dot(v#{i}_#{d}, do#{d}_#{j});
      //#end
      //#end

      // p = exp(s - lse); ds = p * (dout . v - o . dout) * slope
      //#for i in KEYS, j in QUERIES
      let score#{i}_#{j} = score(s#{i}_#{j});
      let seen#{i}_#{j} =
        key#{i} - range#{j}.x < first_count#{j} || key#{i} - range#{j}.z < second_count#{j};
      let p#{i}_#{j} = select(0.0, exp(score#{i}_#{j} - stat#{j}.x), seen#{i}_#{j});
      let ds#{i}_#{j} = p#{i}_#{j} * (dp#{i}_#{j} - stat#{j}.y) * score_slope(score#{i}_#{j});
      //#end

      // dk += ds q; dv += p dout
      //#for d in QUADS, i in KEYS
      dk#{i}_#{d} += #[q#{d}_#{j} * ds#{i}_#{j} for j in QUERIES join " + "];
      dv#{i}_#{d} += #[do#{d}_#{j} * p#{i}_#{j} for j in QUERIES join " + "];
      //#end
    }
  }

  //#for i in KEYS
  if (key#{i} < params.keys) {
    //#for d in QUADS
    dk[row#{i} * #{QUADS}u + #{d}u] = dk#{i}_#{d};
    dv[row#{i} * #{QUADS}u + #{d}u] = dv#{i}_#{d};
    //#end
  }
  //#end
}
