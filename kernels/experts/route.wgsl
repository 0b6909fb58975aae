// The k likeliest experts of a token by p = softmax(logits[t, :]), and their gates p, or with
// NORMALIZE p divided by its sum over the chosen ones. Of equally likely experts the first counts.
// one workgroup per token t, grid folded over x and y
override WORKGROUP_SIZE: u32 = 64;
override NORMALIZE: u32 = 0; // 1 = the gates of a token add up to one
const LOWEST = -3.4e38;
struct Params { tokens: u32, experts: u32, k: u32 }
@group(0) @binding(0) var<storage, read> logits: array<f32>;       // [tokens, experts]
@group(0) @binding(1) var<storage, read_write> chosen: array<u32>; // [tokens, k], likeliest first
@group(0) @binding(2) var<storage, read_write> gates: array<f32>;  // [tokens, k]
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> best: array<f32, WORKGROUP_SIZE>;
var<workgroup> place: array<u32, WORKGROUP_SIZE>;
var<workgroup> sums: array<f32, WORKGROUP_SIZE>;

// whether expert e with logit x comes after expert `last` with logit `bound`
fn is_after(x: f32, e: u32, bound: f32, last: u32) -> bool {
  return x < bound || (x == bound && e > last);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = group.x + group.y * groups.x;
  if (t >= params.tokens) { return; }
  let begin = t * params.experts;
  var bound = 3.4e38;
  var last = 0u;
  var most = 0.0;
  var total = 0.0;
  for (var j = 0u; j < params.k; j++) {
    var value = LOWEST;
    var at = params.experts;
    for (var e = lane; e < params.experts; e += WORKGROUP_SIZE) {
      let x = logits[begin + e];
      if ((j == 0u || is_after(x, e, bound, last)) && x > value) { value = x; at = e; }
    }
    best[lane] = value;
    place[lane] = at;
    for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
      workgroupBarrier();
      if (lane < half) {
        let other = best[lane + half];
        if (other > best[lane] || (other == best[lane] && place[lane + half] < place[lane])) {
          best[lane] = other;
          place[lane] = place[lane + half];
        }
      }
    }
    workgroupBarrier();
    bound = best[0];
    last = place[0];
    if (j == 0u) { most = bound; }
    total += exp(bound - most);
    if (lane == 0u) {
      chosen[t * params.k + j] = min(last, params.experts - 1u); // with NaNs none was found
      gates[t * params.k + j] = exp(bound - most);
    }
    workgroupBarrier();
  }
  if (NORMALIZE == 0u) {
    var sum = 0.0;
    for (var e = lane; e < params.experts; e += WORKGROUP_SIZE) {
      sum += exp(logits[begin + e] - most);
    }
    sums[lane] = sum;
    for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
      workgroupBarrier();
      if (lane < half) { sums[lane] += sums[lane + half]; }
    }
    workgroupBarrier();
    total = sums[0];
  }
  if (lane == 0u) {
    for (var j = 0u; j < params.k; j++) { gates[t * params.k + j] /= total; }
  }
}
