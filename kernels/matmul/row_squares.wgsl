// y[r] = sum_c x[r, c]^2, or its root        one invocation per row
override WORKGROUP_SIZE: u32 = 64;
override ROOT: bool = false;
struct Params { rows: u32, cols: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;            // [rows, cols]
@group(0) @binding(1) var<storage, read_write> y: array<f32>;      // [rows]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (row >= params.rows) { return; }
  let first = row * params.cols;
  let end = first + params.cols;
  var sum = 0.0;
  for (var block = first; block < end; block += 64u) {
    var few = 0.0;                                                 // short sums round less than a long one
    for (var i = block; i < min(block + 64u, end); i++) { few += x[i] * x[i]; }
    sum += few;
  }
  y[row] = select(sum, sqrt(sum), ROOT);
}
