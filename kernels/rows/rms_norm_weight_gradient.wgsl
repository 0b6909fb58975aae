// y[b, c] = sum of dy[r, c] * x[r, c] * rstd[r] over the rows r of block b, from b * block_rows on;
// column_sums adds the blocks up
// one invocation per block b and Real c, grid folded over x and y
alias Real = f32; // or vec4f
override WORKGROUP_SIZE: u32 = 64;
struct Params { rows: u32, cols: u32, block_rows: u32, blocks: u32 }
@group(0) @binding(0) var<storage, read> x: array<Real>;       // [rows, cols]
@group(0) @binding(1) var<storage, read> rstd: array<f32>;     // [rows]
@group(0) @binding(2) var<storage, read> dy: array<Real>;      // [rows, cols]
@group(0) @binding(3) var<storage, read_write> y: array<Real>; // [blocks, cols]
@group(0) @binding(4) var<uniform> params: Params;

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
    let at = row * params.cols + column;
    sum += dy[at] * x[at] * rstd[row];
  }
  y[i] = sum;
}
