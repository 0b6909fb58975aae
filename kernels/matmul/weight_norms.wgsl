// norm_i^2 = squares[i] + s b_i . (2 wa_i + s bg_i), inverse[i] = 1 / norm_i, gains[i] = m[i] /
// norm_i the norm of row i of W + s B A, with wa = A W^T and bg = B A A^T
// one invocation per row
override WORKGROUP_SIZE: u32 = 64;
struct Params { rows: u32, rank: u32, scale: f32 }
@group(0) @binding(0) var<storage, read> squares: array<f32>;      // [rows]
@group(0) @binding(1) var<storage, read> b: array<f32>;            // [rows, rank]
@group(0) @binding(2) var<storage, read> wa: array<f32>;           // [rank, rows]
@group(0) @binding(3) var<storage, read> bg: array<f32>;           // [rows, rank]
@group(0) @binding(4) var<storage, read> m: array<f32>;            // [rows]
@group(0) @binding(5) var<storage, read_write> inverse: array<f32>; // [rows]
@group(0) @binding(6) var<storage, read_write> gains: array<f32>;  // [rows]
@group(0) @binding(7) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (row >= params.rows) { return; }
  var sum = 0.0;
  for (var k = 0u; k < params.rank; k++) {
    let at = row * params.rank + k;
    sum += b[at] * (2.0 * wa[k * params.rows + row] + params.scale * bg[at]);
  }
  let norm = sqrt(max(squares[row] + params.scale * sum, 0.0));
  inverse[row] = 1.0 / norm;
  gains[row] = m[row] / norm;
}
