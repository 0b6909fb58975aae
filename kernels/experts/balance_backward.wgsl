// dlogits[t, e] += factor * w[t] * p[t, e] * (sums[0, e] - sum_j p[t, j] sums[0, j])
// one workgroup per token t, grid folded over x and y
override WORKGROUP_SIZE: u32 = 64;
struct Params { tokens: u32, experts: u32, factor: f32 }
@group(0) @binding(0) var<storage, read> p: array<f32>;             // [tokens, experts]
@group(0) @binding(1) var<storage, read> w: array<f32>;             // [tokens]
@group(0) @binding(2) var<storage, read> sums: array<f32>;          // [2, experts]
@group(0) @binding(3) var<storage, read_write> dlogits: array<f32>; // [tokens, experts]
@group(0) @binding(4) var<uniform> params: Params;

var<workgroup> partial: array<f32, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = group.x + group.y * groups.x;
  if (t >= params.tokens) { return; }
  let begin = t * params.experts;
  var sum = 0.0;
  for (var e = lane; e < params.experts; e += WORKGROUP_SIZE) { sum += p[begin + e] * sums[e]; }
  partial[lane] = sum;
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { partial[lane] += partial[lane + half]; }
  }
  workgroupBarrier();
  let mean = partial[0];
  for (var e = lane; e < params.experts; e += WORKGROUP_SIZE) {
    dlogits[begin + e] += params.factor * w[t] * p[begin + e] * (sums[e] - mean);
  }
}
