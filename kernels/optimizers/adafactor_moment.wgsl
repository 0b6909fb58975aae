// v = beta2 v + (1 - beta2) (clip^2 sums / n + eps): the running mean of n squares of a row or
// column one invocation per Real, grid folded over x and y; nothing changes if clip is below 0
alias Real = f32; // or vec4f
override WORKGROUP_SIZE: u32 = 64;
struct Params { count: u32, beta2: f32, one_less_beta2: f32, n: f32, eps: f32 }
@group(0) @binding(0) var<storage, read_write> v: array<Real>; // [count]
@group(0) @binding(1) var<storage, read> sums: array<Real>;    // [count], of the gradient's squares
@group(0) @binding(2) var<storage, read> clip: array<f32>;     // [2], of gradient_clip
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i >= params.count || clip[1] < 0.0) { return; }
  let mean = clip[1] * clip[1] * sums[i] / params.n + params.eps;
  v[i] = params.beta2 * v[i] + params.one_less_beta2 * mean;
}
