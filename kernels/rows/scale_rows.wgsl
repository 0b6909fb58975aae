// y[t, :] = factors[t] x[t, :]
// one invocation per element, grid folded over x and y
override WORKGROUP_SIZE: u32 = 64;
struct Params { count: u32, cols: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;       // [rows, cols]
@group(0) @binding(1) var<storage, read> factors: array<f32>; // [rows]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [rows, cols]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i < params.count) { y[i] = factors[i / params.cols] * x[i]; }
}
