// weight -= learning_rate (gradient_scale dw + weight_decay weight)
// one invocation per element, grid folded over x and y
override WORKGROUP_SIZE: u32 = 64;
struct Params { count: u32, gradient_scale: f32, weight_decay: f32, learning_rate: f32 }
@group(0) @binding(0) var<storage, read_write> weight: array<f32>;  // [count]
@group(0) @binding(1) var<storage, read> gradient: array<f32>;      // [count]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i >= params.count) { return; }
  let old = weight[i];
  let g = params.gradient_scale * gradient[i] + params.weight_decay * old;
  weight[i] = old - params.learning_rate * g;
}
