// y[i] = activation(x[i])
// one invocation per Real, grid folded over x and y
alias Real = f32; // or vec4f
override WORKGROUP_SIZE: u32 = 64;
override ACTIVATION: u32 = 0; // 0 silu, 1 gelu_tanh, 2 relu2, 3 sigmoid, 4 gelu
struct Params { count: u32 }
@group(0) @binding(0) var<storage, read> x: array<Real>;       // [count]
@group(0) @binding(1) var<storage, read_write> y: array<Real>; // [count]
@group(0) @binding(2) var<uniform> params: Params;

//#use "activation.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i < params.count) { y[i] = activation(x[i]); }
}
