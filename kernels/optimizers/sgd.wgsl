// weight -= learning_rate (clip dw + weight_decay weight)
// one invocation per Real, grid folded over x and y; nothing changes if clip is below 0
alias Real = f32;                                                   // or vec4f
override WORKGROUP_SIZE: u32 = 64;
struct Params { count: u32, weight_decay: f32, learning_rate: f32 }
@group(0) @binding(0) var<storage, read_write> weight: array<Real>;  // [count]
@group(0) @binding(1) var<storage, read> gradient: array<Real>;      // [count]
@group(0) @binding(2) var<storage, read> clip: array<f32>;           // [2], the second is the gradient's factor
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i >= params.count || clip[1] < 0.0) { return; }
  let old = weight[i];
  let g = clip[1] * gradient[i] + params.weight_decay * old;
  weight[i] = old - params.learning_rate * g;
}
