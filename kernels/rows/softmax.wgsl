// y[i, :] = exp(x[i, :] - max) / sum(exp(x[i, :] - max))
// one workgroup per row i, grid folded over x and y
override WORKGROUP_SIZE: u32 = 64;
const LOWEST = -3.4e38;
struct Params { rows: u32, cols: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;       // [rows, cols]
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [rows, cols]
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> maxima: array<f32, WORKGROUP_SIZE>;
var<workgroup> sums: array<f32, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let begin = row * params.cols;
  let end = begin + params.cols;
  var most = LOWEST;
  var sum = 0.0;
  for (var i = begin + lane; i < end; i += WORKGROUP_SIZE) {
    let next = max(most, x[i]);
    sum = sum * exp(most - next) + exp(x[i] - next);
    most = next;
  }
  maxima[lane] = most;
  sums[lane] = sum;
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      let next = max(maxima[lane], maxima[lane + half]);
      sums[lane] = sums[lane] * exp(maxima[lane] - next) +
        sums[lane + half] * exp(maxima[lane + half] - next);
      maxima[lane] = next;
    }
  }
  workgroupBarrier();
  for (var i = begin + lane; i < end; i += WORKGROUP_SIZE) {
    y[i] = exp(x[i] - maxima[0]) / sums[0];
  }
}
