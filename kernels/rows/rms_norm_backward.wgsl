// dx[r, :] = rstd[r] * g - x[r, :] * rstd[r]^3 * mean(g * x[r, :]), g = dy[r, :] * (offset +
// weight); added to what dx has, if accumulate
// LANES invocations per row r, grid folded over x and y
alias Real = f32;        // or vec4f
override WIDTH: u32 = 1; // numbers in a Real
override WORKGROUP_SIZE: u32 = 64;
override LANES: u32 = 64;                                            // a power of 2
struct Params { rows: u32, cols: u32, offset: f32, accumulate: u32 } // cols in Reals
@group(0) @binding(0) var<storage, read> x: array<Real>;             // [rows, cols]
@group(0) @binding(1) var<storage, read> weight: array<Real>;        // [cols]
@group(0) @binding(2) var<storage, read> rstd: array<f32>;           // [rows]
@group(0) @binding(3) var<storage, read> dy: array<Real>;            // [rows, cols]
@group(0) @binding(4) var<storage, read_write> dx: array<Real>;      // [rows, cols]
@group(0) @binding(5) var<uniform> params: Params;

var<workgroup> partial: array<f32, WORKGROUP_SIZE>;

//#use "total.wgsl"
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
  var products = Real(0.0);
  if (inside) {
    for (var c = first; c < params.cols; c += LANES) {
      products += dy[start + c] * (params.offset + weight[c]) * x[start + c];
    }
  }
  let mean = row_sum(total(products), lane) / f32(params.cols * WIDTH);
  if (!inside) { return; }
  let r = rstd[row];
  let factor = r * r * r * mean;
  for (var c = first; c < params.cols; c += LANES) {
    var slope = r * dy[start + c] * (params.offset + weight[c]) - factor * x[start + c];
    if (params.accumulate != 0u) { slope += dx[start + c]; }
    dx[start + c] = slope;
  }
}
