// The update is u[r, c] = clip dw[r, c] / sqrt(row[r] / mean(row) col[c]), and its root mean square
// RMS(u) is held to clip_threshold:
//   scale = learning_rate clip sqrt(mean(row)) / max(1, RMS(u) / clip_threshold)
// so that a step is scale dw / sqrt(row col).
// one workgroup: a sum over each lane's rows, then over the lanes by halves
const WORKGROUP_SIZE = 64u;
struct Params { rows: u32, cols: u32, learning_rate: f32, clip_threshold: f32 }
@group(0) @binding(0) var<storage, read> row: array<f32>;         // [rows]
@group(0) @binding(1) var<storage, read> sums: array<f32>;        // [rows], of dw^2 / col
@group(0) @binding(2) var<storage, read> clip: array<f32>;        // [2], of gradient_clip
@group(0) @binding(3) var<storage, read_write> scale: array<f32>; // [1]
@group(0) @binding(4) var<uniform> params: Params;
var<workgroup> parts: array<vec2f, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = vec2f(0.0);
  for (var r = lane; r < params.rows; r += WORKGROUP_SIZE) {
    sum += vec2f(row[r], sums[r] / row[r]);
  }
  parts[lane] = sum;
  //#use "add_lanes.wgsl" SUMS = "parts"
  if (lane > 0u) { return; }
  let mean = parts[0].x / f32(params.rows);
  let square = parts[0].y / f32(params.rows) / f32(params.cols);
  let rms = clip[1] * sqrt(mean) * sqrt(square);
  scale[0] = params.learning_rate * clip[1] * sqrt(mean) / max(1.0, rms / params.clip_threshold);
}
