//#values QUADS, LANES, ROWS, KEYS, FLAT_WIDTH, WRAPS
// o and lse as in attention_gpu.wgsl, for CPUs. A row is a (query, head) pair; a workgroup takes
// LANES * ROWS rows that share a key head. Each lane owns ROWS of them, with q and o in named
// variables, since a CPU reads an indexed array as slowly as a buffer. All lanes walk over the same
// keys, KEYS at a step.
// A head is QUADS texels; with WRAPS it may begin in one line of a flat texture and end in the
// next. Shapes below: q_cols = heads * head_dim and kv_cols = kv_heads * head_dim.
struct Params { rows: u32, group: u32, heads: u32, kv_heads: u32, scale: f32 }
@group(0) @binding(0) var q: texture_storage_2d<rgba32float, read>;     // [queries, q_cols]
@group(0) @binding(1) var k: texture_storage_2d<rgba32float, read>;     // [keys, kv_cols]
@group(0) @binding(2) var v: texture_storage_2d<rgba32float, read>;     // [keys, kv_cols]
@group(0) @binding(3) var ranges: texture_storage_2d<rgba32uint, read>; // [queries]
@group(0) @binding(4) var<storage, read_write> o: array<vec4f>;         // [queries, q_cols]
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;         // [queries, heads]
@group(0) @binding(6) var<uniform> params: Params;

//#use "flat_place.wgsl"
override SOFTCAP: f32 = 0.0;
//#use "score.wgsl" SLOPE = 0

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
  var most#{i} = NO_KEYS;
  var sum#{i} = 0.0;
  //#for d in QUADS
  //#use "load_quad.wgsl" NAME = "q#{i}_#{d}", TEXTURE = "q", AT = "q_at#{i}", QUAD = d
  var o#{i}_#{d} = vec4f(0.0);
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
      // q . k for each row and key, quad by quad: all loads of a quad stand before its arithmetic,
      // since loads between multiplications are slower
      //#for j in KEYS
      let key#{j} = min(key + #{j}u, end - 1u);
      //#let TEXEL = "(key#{j} * params.kv_heads + kv_head) * #{QUADS}u"
      //#use "head_place.wgsl" NAME = "at#{j}"
      //#end
      //#for i in ROWS, j in KEYS
      var s#{i}_#{j} = 0.0;
      //#end
      //#for d in QUADS
      {
        //#for j in KEYS
        //#use "load_quad.wgsl" NAME = "k#{j}", TEXTURE = "k", AT = "at#{j}", QUAD = d
        //#end
        //#for i in ROWS, j in KEYS
        s#{i}_#{j} += dot(q#{i}_#{d}, k#{j});
        //#end
      }
      //#end

      // m' = max(m, s); p = exp(s - m'); l' = l * exp(m - m') + sum(p)
      //#for i in ROWS
      //#for j in KEYS
      let sees#{i}_#{j} = key + #{j}u - start#{i} < count#{i};
      let score#{i}_#{j} = select(NO_KEYS, score(s#{i}_#{j}), sees#{i}_#{j});
      //#end
      let next#{i} = #[max( for j in KEYS]most#{i}#[, score#{i}_#{j}) for j in KEYS];
      let fade#{i} = exp(most#{i} - next#{i});
      most#{i} = next#{i};
      //#for j in KEYS
      let p#{i}_#{j} = select(0.0, exp(score#{i}_#{j} - next#{i}), sees#{i}_#{j});
      //#end
      sum#{i} = sum#{i} * fade#{i} + #[p#{i}_#{j} for j in KEYS join " + "];
      //#end

      // o' = o * exp(m - m') + p v
      //#for d in QUADS
      {
        //#for j in KEYS
        //#use "load_quad.wgsl" NAME = "v#{j}", TEXTURE = "v", AT = "at#{j}", QUAD = d
        //#end
        //#for i in ROWS
        o#{i}_#{d} = o#{i}_#{d} * fade#{i} + #[v#{j} * p#{i}_#{j} for j in KEYS join " + "];
        //#end
      }
      //#end
    }
  }

  //#for i in ROWS
  if (row#{i} < params.rows) {
    let seen = sum#{i} > 0.0;
    let factor = select(0.0, 1.0 / sum#{i}, seen);
    lse[head#{i}] = select(NO_KEYS, most#{i} + log(sum#{i}), seen);
    //#for d in QUADS
    o[head#{i} * #{QUADS}u + #{d}u] = o#{i}_#{d} * factor;
    //#end
  }
  //#end
}
