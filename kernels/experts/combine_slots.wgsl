// y[t, :] = sum_j gates[t, j] x[slots[t, j], :], in the order of j
// one invocation per Real, grid folded over x and y
alias Real = f32; // or vec4f
override WORKGROUP_SIZE: u32 = 64;
override GATED: u32 = 1;                                       // 0 = all gates are one
struct Params { count: u32, cols: u32, k: u32 }                // count = tokens * cols, in Reals
@group(0) @binding(0) var<storage, read> x: array<Real>;       // [tokens * k, cols]
@group(0) @binding(1) var<storage, read> slots: array<u32>;    // [tokens, k]
@group(0) @binding(2) var<storage, read> gates: array<f32>;    // [tokens, k]
@group(0) @binding(3) var<storage, read_write> y: array<Real>; // [tokens, cols]
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i >= params.count) { return; }
  let begin = i / params.cols * params.k;
  let column = i % params.cols;
  var sum = Real(0.0);
  for (var j = begin; j < begin + params.k; j++) {
    let value = x[slots[j] * params.cols + column];
    if (GATED == 1u) { sum += gates[j] * value; } else { sum += value; }
  }
  y[i] = sum;
}
