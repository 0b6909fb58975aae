// y[t, c] = f x[t, c] (+ bias[c]) (+ y[t, c]) with f = 1 + rows[t] (offset + factors[c] - 1), where
// rows[t] is 1 without HAS_ROWS
// one invocation per Real, grid folded over x and y
alias Real = f32; // or vec4f
override WORKGROUP_SIZE: u32 = 64;
override HAS_BIAS: bool = false;
override HAS_ROWS: bool = false;
override ADD: bool = false;
struct Params { count: u32, cols: u32, offset: f32 }           // cols in Reals
@group(0) @binding(0) var<storage, read> x: array<Real>;       // [rows, cols]
@group(0) @binding(1) var<storage, read> factors: array<Real>; // [cols]
@group(0) @binding(2) var<storage, read> bias: array<Real>;    // [cols], if HAS_BIAS
@group(0) @binding(3) var<storage, read> rows: array<f32>;     // [rows], if HAS_ROWS
@group(0) @binding(4) var<storage, read_write> y: array<Real>; // [rows, cols]
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i >= params.count) { return; }
  let column = i % params.cols;
  var factor = factors[column] + params.offset;
  if (HAS_ROWS) { factor = Real(1.0) + rows[i / params.cols] * (factor - Real(1.0)); }
  var value = factor * x[i];
  if (HAS_BIAS) { value += bias[column]; }
  if (ADD) { value += y[i]; }
  y[i] = value;
}
