// dx, and what each number adds to the slopes of alpha_p and alpha_n; see xielu.wgsl
// one invocation per number, grid folded over x and y
override WORKGROUP_SIZE: u32 = 64;
struct Params { count: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;         // [count]
@group(0) @binding(1) var<storage, read> alpha_p: array<f32>;   // [1]
@group(0) @binding(2) var<storage, read> alpha_n: array<f32>;   // [1]
@group(0) @binding(3) var<storage, read> beta: array<f32>;      // [1]
@group(0) @binding(4) var<storage, read> eps: array<f32>;       // [1]
@group(0) @binding(5) var<storage, read> dy: array<f32>;        // [count]
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;  // [count]
@group(0) @binding(7) var<storage, read_write> parts: array<vec2f>; // [count]
@group(0) @binding(8) var<uniform> params: Params;

//#use "xielu_parts.wgsl"

// the slope of softplus
fn sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + exp(-x)); }

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i >= params.count) { return; }
  let v = x[i];
  let slope = dy[i];
  if (v > 0.0) {
    dx[i] = slope * (2.0 * softplus(alpha_p[0]) * v + beta[0]);
    parts[i] = vec2f(slope * v * v * sigmoid(alpha_p[0]), 0.0);
  } else {
    let b = beta[0] + softplus(alpha_n[0]);
    let turn = select(0.0, exp(v), v < eps[0]);
    dx[i] = slope * (b * (turn - 1.0) + beta[0]);
    parts[i] = vec2f(0.0, slope * (expm1(min(v, eps[0])) - v) * sigmoid(alpha_n[0]));
  }
}
