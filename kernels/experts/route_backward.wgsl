// dlogits[t, e] = (g[j] dg[j] if e is chosen as j, else 0) - p[e] sum_j g[j] dg[j]
// where p is g itself, 0 for experts that are not chosen, if the gates of a token add up to one
// one workgroup per token t, grid folded over x and y
override WORKGROUP_SIZE: u32 = 64;
override NORMALIZE: u32 = 0; // 1 = the gates of a token add up to one
struct Params { tokens: u32, experts: u32, k: u32 }
@group(0) @binding(0) var<storage, read> logits: array<f32>;        // [tokens, experts]
@group(0) @binding(1) var<storage, read> chosen: array<u32>;        // [tokens, k]
@group(0) @binding(2) var<storage, read> gates: array<f32>;         // [tokens, k]
@group(0) @binding(3) var<storage, read> dgates: array<f32>;        // [tokens, k]
@group(0) @binding(4) var<storage, read_write> dlogits: array<f32>; // [tokens, experts]
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = group.x + group.y * groups.x;
  if (t >= params.tokens) { return; }
  let begin = t * params.k;
  var mean = 0.0;
  for (var j = begin; j < begin + params.k; j++) { mean += gates[j] * dgates[j]; }
  // the likeliest expert's gate and logit give the softmax's divisor
  let most = logits[t * params.experts + chosen[begin]];
  for (var e = lane; e < params.experts; e += WORKGROUP_SIZE) {
    var p = 0.0;
    if (NORMALIZE == 0u) { p = gates[begin] * exp(logits[t * params.experts + e] - most); }
    var own = 0.0;
    for (var j = begin; j < begin + params.k; j++) {
      if (chosen[j] == e) {
        own = gates[j] * dgates[j];
        p = gates[j];
      }
    }
    dlogits[t * params.experts + e] = own - p * mean;
  }
}
