// y = a x^2 + beta x for x > 0, b (exp(min(x, eps)) - 1 - x) + beta x otherwise,
// a = softplus(alpha_p), b = beta + softplus(alpha_n)
// one invocation per number, grid folded over x and y
override WORKGROUP_SIZE: u32 = 64;
struct Params { count: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;       // [count]
@group(0) @binding(1) var<storage, read> alpha_p: array<f32>; // [1]
@group(0) @binding(2) var<storage, read> alpha_n: array<f32>; // [1]
@group(0) @binding(3) var<storage, read> beta: array<f32>;    // [1]
@group(0) @binding(4) var<storage, read> eps: array<f32>;     // [1]
@group(0) @binding(5) var<storage, read_write> y: array<f32>; // [count]
@group(0) @binding(6) var<uniform> params: Params;

//#use "xielu_parts.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i >= params.count) { return; }
  let v = x[i];
  if (v > 0.0) {
    y[i] = softplus(alpha_p[0]) * v * v + beta[0] * v;
  } else {
    y[i] = (beta[0] + softplus(alpha_n[0])) * (expm1(min(v, eps[0])) - v) + beta[0] * v;
  }
}
