// y[r, c] = x[r, first + c]
// one invocation per Real of y, grid folded over x and y
alias Real = f32;
override WORKGROUP_SIZE: u32 = 64;
struct Params { count: u32, cols: u32, wide: u32, first: u32 }
@group(0) @binding(0) var<storage, read> x: array<Real>;       // [rows, wide]
@group(0) @binding(1) var<storage, read_write> y: array<Real>; // [rows, cols], count = rows * cols
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i >= params.count) { return; }
  let row = i / params.cols;
  y[i] = x[row * params.wide + params.first + i % params.cols];
}
