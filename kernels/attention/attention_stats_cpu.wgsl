// stats[i] = (lse[i], o[i] . dout[i]) from flat textures of 512 texels a line, for CPUs
// one invocation per (query, head) row i, grid folded over x and y
override QUADS: u32 = 16; // head_dim / 4
struct Params { count: u32 }
@group(0) @binding(0) var o: texture_storage_2d<rgba32float, read>;    // [count, head_dim]
@group(0) @binding(1) var dout: texture_storage_2d<rgba32float, read>; // [count, head_dim]
@group(0) @binding(2) var<storage, read> lse: array<f32>;              // [count]
@group(0) @binding(3) var<storage, read_write> stats: array<vec2f>;    // [count]
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  var sum = vec4f(0.0);
  for (var quad = 0u; quad < QUADS; quad++) {
    let texel = i * QUADS + quad;
    let at = vec2u(texel % 512u, texel / 512u);
    sum += textureLoad(o, at) * textureLoad(dout, at);
  }
  if (i < params.count) { stats[i] = vec2f(lse[i], sum.x + sum.y + sum.z + sum.w); }
}
