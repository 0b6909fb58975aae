// y[t, j] = activation(gate[t, j]) up[t, j], where gate and up are the parts 0 and 1 as c_i of
// together_gpu.wgsl
// One workgroup of 16 x 4 per 8 columns, for ROWS rows t.
//#values PARTS
alias Real = f32;
override ACTIVATION: u32 = 0;
override FORMAT: u32 = 0;   // of b: 0 = f32, 1 = bf16, 2 = f16
override ROWS: u32 = 1;
//#use "part_params.wgsl" EACH = 0
//#use "part_inputs_gpu.wgsl"

//#use "halves_gpu.wgsl"
//#use "part_sums_gpu.wgsl"
@group(0) @binding(#{5 * PARTS + 2}) var<storage, read_write> y: array<f32>; // [rows, cols0]

//#use "activation.wgsl"

fn store(row: u32, col: u32, gate: f32, up: f32) {
  if (col >= params.cols0) { return; }
  y[row * params.cols0 + col] = activation(finished0(col, gate)) * finished1(col, up);
}

@compute @workgroup_size(16, 4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let col = 8 * group.x + 2 * local.y;
  let gate = summed(sums0(col, local.x), local);
  let up = summed(sums1(col, local.x), local);
  if (local.x >= ROWS) { return; }
  store(local.x, col, gate.x, up.x);
  store(local.x, col + 1, gate.y, up.y);
}
