// y[r, :] = (x[r, :] - mean[r]) * rstd[r] * weight[r % groups, :] + bias, rstd[r] = 1 /
// sqrt(variance of x[r, :] + eps)
// LANES invocations per row r, grid folded over x and y
override WORKGROUP_SIZE: u32 = 64;
override LANES: u32 = 64;                                            // a power of 2
override HAS_BIAS: u32 = 0;
struct Params { rows: u32, cols: u32, groups: u32, eps: f32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;            // [rows, cols]
@group(0) @binding(1) var<storage, read> weight: array<f32>;       // [groups, cols]
@group(0) @binding(2) var<storage, read> bias: array<f32>;         // [groups, cols], or any
@group(0) @binding(3) var<storage, read_write> y: array<f32>;      // [rows, cols]
@group(0) @binding(4) var<storage, read_write> stats: array<vec2f>; // [rows] mean, rstd
@group(0) @binding(5) var<uniform> params: Params;

var<workgroup> partial: array<f32, WORKGROUP_SIZE>;

//#use "row_sum.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (group.x + group.y * groups.x) * (WORKGROUP_SIZE / LANES) + lane / LANES;
  let first = lane % LANES;
  let start = row * params.cols;
  let inside = row < params.rows;
  let size = f32(params.cols);
  var sum = 0.0;
  if (inside) {
    for (var c = first; c < params.cols; c += LANES) { sum += x[start + c]; }
  }
  let mean = row_sum(sum, lane) / size;
  workgroupBarrier(); // the sums are read before they are written again
  var squares = 0.0;
  if (inside) {
    for (var c = first; c < params.cols; c += LANES) {
      let v = x[start + c] - mean;
      squares += v * v;
    }
  }
  let variance = row_sum(squares, lane) / size;
  if (!inside) { return; }
  let rstd = 1.0 / sqrt(variance + params.eps);
  if (first == 0u) { stats[row] = vec2f(mean, rstd); }
  let at = row % params.groups * params.cols;
  for (var c = first; c < params.cols; c += LANES) {
    var value = (x[start + c] - mean) * rstd * weight[at + c];
    if (HAS_BIAS != 0u) { value += bias[at + c]; }
    y[start + c] = value;
  }
}
