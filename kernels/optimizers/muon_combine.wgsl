// y = a x + b y
// one invocation per Real, grid folded over x and y
alias Real = f32; // or vec4f
override WORKGROUP_SIZE: u32 = 64;
struct Params { count: u32, a: f32, b: f32 }
@group(0) @binding(0) var<storage, read> x: array<Real>;       // [count]
@group(0) @binding(1) var<storage, read_write> y: array<Real>; // [count]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i >= params.count) { return; }
  y[i] = params.a * x[i] + params.b * y[i];
}
