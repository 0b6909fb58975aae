// y[j, i] = x[i, first + j], and 0 for i past the end of x
// one invocation per 4 elements of y
override WORKGROUP_SIZE: u32 = 64;
struct Params { rows: u32, cols: u32, first: u32, count: u32, pitch: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;            // [rows, cols]
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;    // [count, pitch / 4]
@group(0) @binding(2) var<uniform> params: Params;

fn at(row: u32, col: u32) -> f32 {
  if (row >= params.rows) { return 0.0; }
  return x[row * params.cols + col];
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  // neighbours read neighbouring columns of x
  let j = i % params.count;
  let word = i / params.count;
  if (word >= params.pitch / 4) { return; }
  let col = params.first + j;
  let row = 4 * word;
  y[j * (params.pitch / 4) + word] =
    vec4f(at(row, col), at(row + 1, col), at(row + 2, col), at(row + 3, col));
}
