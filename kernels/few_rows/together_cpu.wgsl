// c_i[t, j] = factor[t] (sum_k a[t, k] b_i[j, k], the same of a second pair, and bias_i[j])
// One workgroup per COLS * COL_LANES columns of a part i, for at most ROWS rows t. Each part is the
// product of few rows of matmul_cpu.wgsl, in its order of sums. A launch takes a CPU some 40 to 70
// us beside its work, and a decoded token has hundreds of them: so several weights of one input
// share a launch.
//#values TYPE, PARTS, ROWS, COLS, COL_LANES
//#use "part_params.wgsl" EACH = 1
//#use "part_inputs_cpu.wgsl"
//#for i in PARTS
@group(0) @binding(#{1 + 4 * PARTS + i}) var<storage, read_write> c#{i}: array<vec4f>; // [rows, cols<i>]
//#end
//#use "row_factors.wgsl" AT = 6 * PARTS + 3

//#use "flat_words.wgsl"

@compute @workgroup_size(#{COL_LANES})
fn main(@builtin(local_invocation_index) col_lane: u32, @builtin(workgroup_id) group: vec3u) {
  let first_row = 0u;
  //#for i in PARTS
  if (group.x >= params.first_tile#{i} && group.x < params.first_tile#{i + 1}) {
    let first_col = (group.x - params.first_tile#{i}) * #{COLS * COL_LANES}u;
    //#use "part_sums_cpu.wgsl"
    //#for r in ROWS, q in COLS / 4
    if (#{r}u < params.rows && first_col + col_lane * 4u + #{4 * q * COL_LANES}u < params.cols#{i}) {
      let place#{r}_#{q} = (#{r}u * params.cols#{i} + first_col + col_lane * 4u + #{4 * q * COL_LANES}u) / 4u;
      let value#{r}_#{q} = factor_of(#{r}u) * vec4f(#[s#{r}_#{c} for c in 4 * q..4 * q + 4 join ", "]);
      c#{i}[place#{r}_#{q}] = value#{r}_#{q};
    }
    //#end
  }
  //#end
}
