// y[b, c] = sum of x[r, c], or of its square, over the block's rows r, from b * block_rows on
// one invocation per block b and Real c
alias Real = f32;                                                  // or vec4f
override WORKGROUP_SIZE: u32 = 64;
struct Params { rows: u32, cols: u32, block_rows: u32, blocks: u32, accumulate: u32, squares: u32 }
@group(0) @binding(0) var<storage, read> x: array<Real>;           // [rows, cols]
@group(0) @binding(1) var<storage, read_write> y: array<Real>;     // [blocks, cols], added to if accumulate
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i >= params.blocks * params.cols) { return; }
  let column = i % params.cols;
  let first = i / params.cols * params.block_rows;
  let end = min(first + params.block_rows, params.rows);
  var sum = Real(0.0);
  for (var row = first; row < end; row++) {
    let value = x[row * params.cols + column];
    if (params.squares != 0) { sum += value * value; } else { sum += value; }
  }
  if (params.accumulate != 0) { sum += y[i]; }
  y[i] = sum;
}
