// stats[i] = (lse[i], o[i] . dout[i])
// one invocation per (query, head) row i, grid folded over x and y
override HEAD_DIM: u32 = 64;
override WORKGROUP_SIZE: u32 = 64;
struct Params { count: u32 }
@group(0) @binding(0) var<storage, read> o: array<f32>;             // [count, head_dim]
@group(0) @binding(1) var<storage, read> dout: array<f32>;          // [count, head_dim]
@group(0) @binding(2) var<storage, read> lse: array<f32>;           // [count]
@group(0) @binding(3) var<storage, read_write> stats: array<vec2f>; // [count]
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i >= params.count) { return; }
  var sum = 0.0;
  for (var d = i * HEAD_DIM; d < (i + 1u) * HEAD_DIM; d++) { sum += o[d] * dout[d]; }
  stats[i] = vec2f(lse[i], sum);
}
