// dx[r, :] = rstd[r] * (g - mean(g) - h * mean(g * h)), g = dy[r, :] * weight[r % groups, :],
// h = (x[r, :] - mean[r]) * rstd[r]; added to what dx has, if ACCUMULATE; slopes = dy * h
// LANES invocations per row r, grid folded over x and y
override WORKGROUP_SIZE: u32 = 64;
override LANES: u32 = 64;                                            // a power of 2
override ACCUMULATE: u32 = 0;
override HAS_SLOPES: u32 = 0;
struct Params { rows: u32, cols: u32, groups: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;            // [rows, cols]
@group(0) @binding(1) var<storage, read> weight: array<f32>;       // [groups, cols]
@group(0) @binding(2) var<storage, read> stats: array<vec2f>;      // [rows] mean, rstd
@group(0) @binding(3) var<storage, read> dy: array<f32>;           // [rows, cols]
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;     // [rows, cols]
@group(0) @binding(5) var<storage, read_write> slopes: array<f32>; // [rows, cols], or any
@group(0) @binding(6) var<uniform> params: Params;

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
  let at = row % params.groups * params.cols;
  let size = f32(params.cols);
  var stat = vec2f();
  if (inside) { stat = stats[row]; }
  var sum = 0.0;
  var products = 0.0;
  if (inside) {
    for (var c = first; c < params.cols; c += LANES) {
      let g = dy[start + c] * weight[at + c];
      sum += g;
      products += g * (x[start + c] - stat.x) * stat.y;
    }
  }
  let mean = row_sum(sum, lane) / size;
  workgroupBarrier(); // the sums are read before they are written again
  let product = row_sum(products, lane) / size;
  if (!inside) { return; }
  for (var c = first; c < params.cols; c += LANES) {
    let h = (x[start + c] - stat.x) * stat.y;
    let dyc = dy[start + c];
    var slope = stat.y * (dyc * weight[at + c] - mean - h * product);
    if (ACCUMULATE != 0u) { slope += dx[start + c]; }
    dx[start + c] = slope;
    if (HAS_SLOPES != 0u) { slopes[start + c] = dyc * h; }
  }
}
