// y[t, j] = activation(gate[t, j]) up[t, j], where gate and up are the parts 0 and 1 as c_i of
// together_cpu.wgsl
// One workgroup per COLS * COL_LANES columns. y is written as the texture that the next product
// reads as well.
//#values TYPE, PARTS, ROWS, COLS, COL_LANES
alias Real = vec4f;
override ACTIVATION: u32 = 0;
//#use "part_params.wgsl" EACH = 0
//#use "part_inputs_cpu.wgsl"
@group(0) @binding(#{1 + 4 * PARTS}) var<storage, read_write> y: array<vec4f>;               // [rows, cols0]
@group(0) @binding(#{2 + 4 * PARTS}) var flat_y: texture_storage_2d<rgba32float, write>; // y, flat

//#use "activation.wgsl"

//#use "flat_words.wgsl"

@compute @workgroup_size(#{COL_LANES})
fn main(@builtin(local_invocation_index) col_lane: u32, @builtin(workgroup_id) group: vec3u) {
  let first_row = 0u;
  let first_col = group.x * #{COLS * COL_LANES}u;
  //#for r in ROWS, c in COLS
  var g#{r}_#{c} = 0.0;
  //#end
  {
    //#use "part_sums_cpu.wgsl" i = 0
    //#for r in ROWS, c in COLS
    g#{r}_#{c} = s#{r}_#{c};
    //#end
  }
  //#use "part_sums_cpu.wgsl" i = 1
  //#for r in ROWS, q in COLS / 4
  if (#{r}u < params.rows && first_col + col_lane * 4u + #{4 * q * COL_LANES}u < params.cols0) {
    let place#{r}_#{q} = (#{r}u * params.cols0 + first_col + col_lane * 4u + #{4 * q * COL_LANES}u) / 4u;
    let value#{r}_#{q} = activation(vec4f(#[g#{r}_#{c} for c in 4 * q..4 * q + 4 join ", "])) * vec4f(#[s#{r}_#{c} for c in 4 * q..4 * q + 4 join ", "]);
    y[place#{r}_#{q}] = value#{r}_#{q};
    textureStore(flat_y, at(place#{r}_#{q}), value#{r}_#{q});
  }
  //#end
}
