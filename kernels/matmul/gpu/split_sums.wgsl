// c[i, j] = (scale[i]) c[i, j] + factor (sum of part[p, i, j] + bias[j]), the parts first to last
// one invocation per output
override FINISH: u32 = 0;   // 0 = overwrite c, 1 = add to it, 2 = scale its rows and add
override BIAS: u32 = 0;     // 1 = add bias
override WORKGROUP_SIZE: u32 = 64;
struct Params { count: u32, cols: u32, parts: u32, c_row: u32, c_col: u32, c_first: u32, bias_first: u32, factor: f32 }
@group(0) @binding(0) var<storage, read> part: array<f32>;     // [parts, rows, cols]
@group(0) @binding(1) var<storage, read_write> c: array<f32>;  // [rows, cols] by strides
@group(0) @binding(2) var<storage, read> bias: array<f32>;     // [bias_first + cols]
@group(0) @binding(3) var<storage, read> scale: array<f32>;    // [rows]
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i >= params.count) { return; }
  var value = 0.0;
  for (var p = 0u; p < params.parts; p++) { value += part[p * params.count + i]; }
  let row = i / params.cols;
  let col = i % params.cols;
  if (BIAS == 1) { value += bias[params.bias_first + col]; }
  value *= params.factor;
  let at = params.c_first + row * params.c_row + col * params.c_col;
  if (FINISH == 1) { value += c[at]; }
  if (FINISH == 2) { value += scale[row] * c[at]; }
  c[at] = value;
}
