// weight = decay weight - rate change
// one invocation per Real, grid folded over x and y; nothing changes if clip is below 0
alias Real = f32; // or vec4f
override WORKGROUP_SIZE: u32 = 64;
struct Params {
  count: u32,
  decay: f32, // 1 - learning_rate weight_decay
  rate: f32,
}
@group(0) @binding(0) var<storage, read_write> weight: array<Real>; // [count]
@group(0) @binding(1) var<storage, read> change: array<Real>;       // [count]
@group(0) @binding(2) var<storage, read> clip: array<f32>;          // [2], of gradient_clip
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i >= params.count || clip[1] < 0.0) { return; }
  weight[i] = params.decay * weight[i] - params.rate * change[i];
}
