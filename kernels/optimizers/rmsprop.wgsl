//#values MOMENTUM
// g = clip dw + weight_decay weight;  v = alpha v + (1 - alpha) g^2
//#if MOMENTUM
// velocity = momentum velocity + g / (sqrt(v) + eps);  weight -= learning_rate velocity
//#else
// weight -= learning_rate g / (sqrt(v) + eps)
//#end
// one invocation per Real, grid folded over x and y; nothing changes if clip is below 0
alias Real = f32; // or vec4f
override WORKGROUP_SIZE: u32 = 64;
struct Params {
  count: u32,
  weight_decay: f32,
  alpha: f32,
  one_less_alpha: f32,
  learning_rate: f32,
  eps: f32,
  //#if MOMENTUM
  momentum: f32,
  //#end
}
@group(0) @binding(0) var<storage, read_write> weight: array<Real>; // [count]
@group(0) @binding(1) var<storage, read> gradient: array<Real>;     // [count]
@group(0) @binding(2) var<storage, read_write> v: array<Real>;      // [count]
//#if MOMENTUM
@group(0) @binding(3) var<storage, read_write> velocity: array<Real>; // [count]
//#end
@group(0) @binding(#{3 + MOMENTUM}) var<storage, read> clip: array<f32>; // [2], of gradient_clip
@group(0) @binding(#{4 + MOMENTUM}) var<uniform> params: Params;

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
  let square = params.alpha * v[i] + params.one_less_alpha * g * g;
  //#if MOMENTUM
  let speed = params.momentum * velocity[i] + g / (sqrt(square) + params.eps);
  weight[i] = old - params.learning_rate * speed;
  v[i] = square;
  velocity[i] = speed;
  //#else
  weight[i] = old - params.learning_rate * g / (sqrt(square) + params.eps);
  v[i] = square;
  //#end
}
