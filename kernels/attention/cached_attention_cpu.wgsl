//#values QUADS, HEADS, HEAD_LANES, KEY_LANES, KEYS, FLAT_WIDTH, WRAPS
// o as in attention_gpu.wgsl for a few queries over a cache in textures, on CPUs.
// A workgroup has one query and up to HEADS * HEAD_LANES heads that share a key head. Its
// HEAD_LANES * KEY_LANES lanes share out both the heads and the keys: loads are what is slow, and a
// load costs the same whether all lanes read one key or each lane another one. A lane has HEADS
// heads, which share its loads, and takes KEYS keys at a step. At the end the sums of the key lanes
// of each head are put together.
// The result is also written as the texture that the next product reads.
// Shapes below: q_cols = heads * head_dim and kv_cols = kv_heads * head_dim.
struct Params { queries: u32, blocks: u32, group: u32, heads: u32, kv_heads: u32, scale: f32 }
@group(0) @binding(0) var k: texture_storage_2d<rgba32float, read>; // [rows, kv_cols]
@group(0) @binding(1) var v: texture_storage_2d<rgba32float, read>; // [rows, kv_cols]
@group(0) @binding(2) var<storage, read> q: array<vec4f>;           // [queries, q_cols]
@group(0) @binding(3) var<storage, read> ranges: array<vec4u>;      // [queries]
@group(0) @binding(4) var<storage, read_write> o: array<vec4f>;     // [queries, q_cols]
@group(0) @binding(5) var<uniform> params: Params;
@group(0) @binding(6) var flat_o: texture_storage_2d<rgba32float, write>; // o, flat
//#let LANES = HEAD_LANES * KEY_LANES
var<workgroup> stats: array<vec2f, #{HEADS * LANES}>;        // greatest score, sum
var<workgroup> sums: array<vec4f, #{HEADS * QUADS * LANES}>; // [HEADS, QUADS, LANES]

//#use "flat_place.wgsl"
override SOFTCAP: f32 = 0.0;
//#use "score.wgsl" SLOPE = 0

@compute @workgroup_size(#{LANES})
fn main(
  @builtin(workgroup_id) block: vec3u,
  @builtin(num_workgroups) blocks: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let unit = block.x + block.y * blocks.x;
  let query = min(unit / params.blocks, params.queries - 1u);
  let first = unit % params.blocks * #{HEADS * HEAD_LANES}u;
  let first_row = query * params.heads + block.z * params.group;
  let head_lane = lane % #{HEAD_LANES}u;
  let key_lane = lane / #{HEAD_LANES}u;
  let range = ranges[query];
  let first_count = max(range.x, range.y) - range.x;
  let count = first_count + max(range.z, range.w) - range.z;
  // the heads of this lane; those beyond the last repeat it
  //#for h in HEADS
  let at_q#{h} =
    (first_row + min(first + head_lane * #{HEADS}u + #{h}u, params.group - 1u)) * #{QUADS}u;
  var most#{h} = NO_KEYS;
  var sum#{h} = 0.0;
  //#for d in QUADS
  let q#{h}_#{d} = q[at_q#{h} + #{d}u];
  var o#{h}_#{d} = vec4f();
  //#end
  //#end

  for (var i = 0u; i < count; i += #{KEYS * KEY_LANES}u) {
    let own = i + key_lane * #{KEYS}u;
    //#for j in KEYS
    let i#{j} = min(own + #{j}u, count - 1u);
    let key#{j} = select(range.z + i#{j} - first_count, range.x + i#{j}, i#{j} < first_count);
    //#let TEXEL = "(key#{j} * params.kv_heads + block.z) * #{QUADS}u"
    //#use "head_place.wgsl" NAME = "at#{j}"
    //#for h in HEADS
    var s#{h}_#{j} = 0.0;
    //#end
    //#end
    //#for d in QUADS, j in KEYS
    {
      //#use "load_quad.wgsl" NAME = "x", TEXTURE = "k", AT = "at#{j}", QUAD = d
      //#for h in HEADS
      s#{h}_#{j} += dot(q#{h}_#{d}, x);
      //#end
    }
    //#end

    // m' = max(m, s); p = exp(s - m'); l' = l * exp(m - m') + sum(p)
    //#for h in HEADS
    //#for j in KEYS
    let score#{h}_#{j} = select(NO_KEYS, score(s#{h}_#{j}), own + #{j}u < count);
    //#end
    let next#{h} = #[max( for j in KEYS]most#{h}#[, score#{h}_#{j}) for j in KEYS];
    let fade#{h} = exp(most#{h} - next#{h});
    most#{h} = next#{h};
    //#for j in KEYS
    let p#{h}_#{j} = select(0.0, exp(score#{h}_#{j} - next#{h}), own + #{j}u < count);
    //#end
    sum#{h} = sum#{h} * fade#{h} + #[p#{h}_#{j} for j in KEYS join " + "];
    //#end

    // o' = o * exp(m - m') + p v
    //#for d in QUADS
    {
      //#for j in KEYS
      //#use "load_quad.wgsl" NAME = "x#{j}", TEXTURE = "v", AT = "at#{j}", QUAD = d
      //#end
      //#for h in HEADS
      o#{h}_#{d} = o#{h}_#{d} * fade#{h} + #[p#{h}_#{j} * x#{j} for j in KEYS join " + "];
      //#end
    }
    //#end
  }

  //#for h in HEADS
  stats[#{h * LANES}u + lane] = vec2f(most#{h}, sum#{h});
  //#for d in QUADS
  sums[#{(h * QUADS + d) * LANES}u + lane] = o#{h}_#{d};
  //#end
  //#end
  workgroupBarrier();

  // the lanes deal out the quads of all heads, and put together what the key lanes found
  for (var i = lane; i < #{HEADS * HEAD_LANES * QUADS}u; i += #{LANES}u) {
    let head = i / #{QUADS}u;
    let quad = i % #{QUADS}u;
    var most = NO_KEYS;
    //#for l in KEY_LANES
    let stats#{l} =
      stats[head % #{HEADS}u * #{LANES}u + head / #{HEADS}u + #{l * HEAD_LANES}u];
    most = max(most, stats#{l}.x);
    //#end
    var sum = 0.0;
    var value = vec4f();
    //#for l in KEY_LANES
    {
      let weight = exp(stats#{l}.x - most);
      sum += weight * stats#{l}.y;
      value += weight * sums[
        (head % #{HEADS}u * #{QUADS}u + quad) * #{LANES}u + head / #{HEADS}u + #{l * HEAD_LANES}u];
    }
    //#end
    if (unit < params.queries * params.blocks && first + head < params.group) {
      value *= select(0.0, 1.0 / sum, sum > 0.0);
      let texel = (first_row + first + head) * #{QUADS}u + quad;
      o[texel] = value;
      textureStore(flat_o, vec2u(texel % #{FLAT_WIDTH}u, texel / #{FLAT_WIDTH}u), value);
    }
  }
}
