// y[r, :] = x[index[r], :]
// one invocation per Real, grid folded over x and y
alias Real = f32; // or vec4f
override WORKGROUP_SIZE: u32 = 64;
struct Params { count: u32, cols: u32 }                        // count = n * cols, in Reals
@group(0) @binding(0) var<storage, read> x: array<Real>;       // [rows, cols]
@group(0) @binding(1) var<storage, read> index: array<u32>;    // [n]
@group(0) @binding(2) var<storage, read_write> y: array<Real>; // [n, cols]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i < params.count) { y[i] = x[index[i / params.cols] * params.cols + i % params.cols]; }
}
