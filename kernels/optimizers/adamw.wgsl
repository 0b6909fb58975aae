// g = clip dw;  m += (1 - beta1) (g - m);  v = beta2 v + (1 - beta2) g^2
// weight = decay weight - step_size m / (sqrt(v) / root_correction + eps)
// one invocation per Real, grid folded over x and y; nothing changes if clip is below 0
alias Real = f32; // or vec4f
override WORKGROUP_SIZE: u32 = 64;
//#use "adamw_params.wgsl"
@group(0) @binding(0) var<storage, read_write> weight: array<Real>; // [count]
@group(0) @binding(1) var<storage, read> gradient: array<Real>;     // [count]
@group(0) @binding(2) var<storage, read_write> m: array<Real>;      // [count]
@group(0) @binding(3) var<storage, read_write> v: array<Real>;      // [count]
@group(0) @binding(4) var<storage, read> clip: array<f32>;          // [2], of gradient_clip
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i >= params.count || clip[1] < 0.0) { return; }
  let g = clip[1] * gradient[i];
  let old = m[i];
  let first = old + params.one_less_beta1 * (g - old);
  let second = params.beta2 * v[i] + params.one_less_beta2 * g * g;
  let root = sqrt(second) / params.root_correction + params.eps;
  weight[i] = params.decay * weight[i] - params.step_size * first / root;
  m[i] = first;
  v[i] = second;
}
