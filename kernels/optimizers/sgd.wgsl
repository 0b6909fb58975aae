//#values MOMENTUM
// g = clip dw + weight_decay weight
//#if MOMENTUM
// velocity = momentum velocity + g;  weight -= learning_rate velocity
//#else
// weight -= learning_rate g
//#end
// one invocation per Real, grid folded over x and y; nothing changes if clip is below 0
alias Real = f32; // or vec4f
override WORKGROUP_SIZE: u32 = 64;
//#if MOMENTUM
struct Params { count: u32, weight_decay: f32, learning_rate: f32, momentum: f32, }
//#else
struct Params { count: u32, weight_decay: f32, learning_rate: f32 }
//#end
@group(0) @binding(0) var<storage, read_write> weight: array<Real>; // [count]
@group(0) @binding(1) var<storage, read> gradient: array<Real>;     // [count]
//#if MOMENTUM
@group(0) @binding(2) var<storage, read_write> velocity: array<Real>; // [count]
//#end
@group(0) @binding(#{2 + MOMENTUM}) var<storage, read> clip: array<f32>; // [2], of gradient_clip
@group(0) @binding(#{3 + MOMENTUM}) var<uniform> params: Params;

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
  //#if MOMENTUM
  let speed = params.momentum * velocity[i] + g;
  weight[i] = old - params.learning_rate * speed;
  velocity[i] = speed;
  //#else
  weight[i] = old - params.learning_rate * g;
  //#end
}
