// dx[slots[t, j], :] = gates[t, j] dy[t, :] and dgates[t, j] = dy[t, :] . x[slots[t, j], :]
// one workgroup per choice (t, j), grid folded over x and y
override WORKGROUP_SIZE: u32 = 64;
struct Params { choices: u32, cols: u32, k: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;            // [choices, cols]
@group(0) @binding(1) var<storage, read> slots: array<u32>;        // [choices]
@group(0) @binding(2) var<storage, read> gates: array<f32>;        // [choices]
@group(0) @binding(3) var<storage, read> dy: array<f32>;           // [tokens, cols]
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;     // [choices, cols]
@group(0) @binding(5) var<storage, read_write> dgates: array<f32>; // [choices]
@group(0) @binding(6) var<uniform> params: Params;

var<workgroup> sums: array<f32, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = group.x + group.y * groups.x;
  if (i >= params.choices) { return; }
  let row = i / params.k * params.cols;
  let slot = slots[i] * params.cols;
  let gate = gates[i];
  var sum = 0.0;
  for (var c = lane; c < params.cols; c += WORKGROUP_SIZE) {
    let slope = dy[row + c];
    sum += slope * x[slot + c];
    dx[slot + c] = gate * slope;
  }
  sums[lane] = sum;
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { sums[lane] += sums[lane + half]; }
  }
  if (lane == 0u) { dgates[i] = sums[0]; }
}
