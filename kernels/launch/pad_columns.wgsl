// y[i, j] = j < cols ? x[i, j] : 0
// one invocation per element of y, grid folded over x and y
override WORKGROUP_SIZE: u32 = 64;
struct Params { rows: u32, cols: u32, pitch: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;            // [rows, cols]
@group(0) @binding(1) var<storage, read_write> y: array<f32>;      // [rows, pitch]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  let row = i / params.pitch;
  let col = i % params.pitch;
  if (row >= params.rows) { return; }
  var value = 0.0;
  if (col < params.cols) { value = x[row * params.cols + col]; }
  y[i] = value;
}
