// y[keys[g] - first, :] += sum of x[order[k], :] over k = starts[g] .. starts[g + 1] - 1, in that
// order
// Groups whose key lies outside the window [first, first + rows) of y do nothing.
// one invocation per group g and Real, grid folded over x and y
alias Real = f32; // or vec4f
override WORKGROUP_SIZE: u32 = 64;
struct Params { groups: u32, cols: u32, first: u32, rows: u32 } // cols in Reals
@group(0) @binding(0) var<storage, read> x: array<Real>;        // [n, cols]
@group(0) @binding(1) var<storage, read> keys: array<u32>;      // [groups], no key twice
@group(0) @binding(2) var<storage, read> starts: array<u32>;    // [groups + 1]
@group(0) @binding(3) var<storage, read> order: array<u32>;     // [n]
@group(0) @binding(4) var<storage, read_write> y: array<Real>;  // [rows, cols]
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i >= params.groups * params.cols) { return; }
  let g = i / params.cols;
  let row = keys[g] - params.first; // a key before the window wraps far beyond it
  if (row >= params.rows) { return; }
  let column = i % params.cols;
  let end = starts[g + 1];
  var sum = Real(0.0);
  for (var k = starts[g]; k < end; k++) { sum += x[order[k] * params.cols + column]; }
  y[row * params.cols + column] += sum;
}
