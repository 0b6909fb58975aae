// weight[r, c] = decay weight[r, c] - scale dw[r, c] / sqrt(row[r]) / sqrt(col[c])
// one invocation per Real, grid folded over x and y; nothing changes if clip is below 0
alias Real = f32; // or vec4f
override WORKGROUP_SIZE: u32 = 64;
struct Params { count: u32, cols: u32, decay: f32 }                 // count and cols in Reals
@group(0) @binding(0) var<storage, read_write> weight: array<Real>; // [rows, cols]
@group(0) @binding(1) var<storage, read> gradient: array<Real>;     // [rows, cols]
@group(0) @binding(2) var<storage, read> row: array<f32>;           // [rows]
@group(0) @binding(3) var<storage, read> col: array<Real>;          // [cols]
@group(0) @binding(4) var<storage, read> scale: array<f32>;         // [1]
@group(0) @binding(5) var<storage, read> clip: array<f32>;          // [2]
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i >= params.count || clip[1] < 0.0) { return; }
  let whitened =
    gradient[i] * inverseSqrt(row[i / params.cols]) * inverseSqrt(col[i % params.cols]);
  weight[i] = params.decay * weight[i] - scale[0] * whitened;
}
