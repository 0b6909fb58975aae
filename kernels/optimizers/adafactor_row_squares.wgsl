// sums[r] = sum over c of x[r, c]^2, each divided by col[c] if weighted
// one workgroup per row: a sum of Reals per lane, then over the lanes by halves; grid folded over x
// and y
alias Real = f32;        // or vec4f
override WIDTH: u32 = 1; // numbers in a Real
const WORKGROUP_SIZE = 64u;
struct Params { rows: u32, cols: u32, weighted: u32 }            // cols in Reals
@group(0) @binding(0) var<storage, read> x: array<Real>;         // [rows, cols]
@group(0) @binding(1) var<storage, read> col: array<Real>;       // [cols]
@group(0) @binding(2) var<storage, read_write> sums: array<f32>; // [rows]
@group(0) @binding(3) var<uniform> params: Params;
var<workgroup> parts: array<f32, WORKGROUP_SIZE>;

//#use "total.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  var sum = Real(0.0);
  for (var c = lane; c < params.cols; c += WORKGROUP_SIZE) {
    let value = x[row * params.cols + c];
    var square = value * value;
    if (params.weighted != 0u) { square /= col[c]; }
    sum += square;
  }
  parts[lane] = total(sum);
  //#use "add_lanes.wgsl" SUMS = "parts"
  if (lane == 0u) { sums[row] = parts[0]; }
}
