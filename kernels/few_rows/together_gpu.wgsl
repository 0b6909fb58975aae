// c_i[t, j] = factor[t] (sum_k a[t, k] b_i[j, k], the same of a second pair, and bias_i[j])
// One workgroup of 16 x 4 per 8 columns of a part i, for ROWS rows t. Each part is
// few_rows_gpu.wgsl, in its order of sums.
//#values PARTS
override FORMAT: u32 = 0;   // of b: 0 = f32, 1 = bf16, 2 = f16
override ROWS: u32 = 1;
//#use "part_params.wgsl" EACH = 1
//#use "part_inputs_gpu.wgsl"

//#use "halves_gpu.wgsl"
//#use "part_sums_gpu.wgsl"
//#use "row_factors.wgsl" AT = 6 * PARTS + 2
//#for i in PARTS
@group(0) @binding(#{5 * PARTS + 2 + i}) var<storage, read_write> c#{i}: array<f32>; // [rows, cols<i>]
fn store#{i}(row: u32, col: u32, sum: f32) {
  if (col < params.cols#{i}) { c#{i}[row * params.cols#{i} + col] = factor_of(row) * finished#{i}(col, sum); }
}
//#end

@compute @workgroup_size(16, 4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  var col = 0u;
  var sums: array<vec2f, 4>;
  //#for i in PARTS
  if (group.x >= params.first_tile#{i} && group.x < params.first_tile#{i + 1}) {
    col = 8 * (group.x - params.first_tile#{i}) + 2 * local.y;
    sums = sums#{i}(col, local.x);
  }
  //#end
  let sum = summed(sums, local);
  if (local.x >= ROWS) { return; }
  //#for i in PARTS
  if (group.x >= params.first_tile#{i} && group.x < params.first_tile#{i + 1}) {
    store#{i}(local.x, col, sum.x);
    store#{i}(local.x, col + 1, sum.y);
  }
  //#end
}
