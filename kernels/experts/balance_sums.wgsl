// sums[0, e] += sum_t w[t] * (1 if expert e is chosen for token t)
// sums[1, e] += sum_t w[t] * p[t, e]
// one workgroup per expert e
override WORKGROUP_SIZE: u32 = 64;
struct Params { tokens: u32, experts: u32, k: u32 }
@group(0) @binding(0) var<storage, read> p: array<f32>;          // [tokens, experts]
@group(0) @binding(1) var<storage, read> chosen: array<u32>;     // [tokens, k]
@group(0) @binding(2) var<storage, read> w: array<f32>;          // [tokens]
@group(0) @binding(3) var<storage, read_write> sums: array<f32>; // [2, experts]
@group(0) @binding(4) var<uniform> params: Params;

var<workgroup> partial: array<vec2f, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let e = group.x;
  var sum = vec2f();
  for (var t = lane; t < params.tokens; t += WORKGROUP_SIZE) {
    for (var j = t * params.k; j < (t + 1u) * params.k; j++) {
      if (chosen[j] == e) { sum.x += w[t]; }
    }
    sum.y += w[t] * p[t * params.experts + e];
  }
  partial[lane] = sum;
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { partial[lane] += partial[lane + half]; }
  }
  if (lane == 0u) {
    sums[e] += partial[0].x;
    sums[params.experts + e] += partial[0].y;
  }
}
