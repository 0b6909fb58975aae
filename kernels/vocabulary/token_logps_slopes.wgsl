// d loss / d product of the logits of a chunk of the vocabulary, from each row's d loss / d logp:
//   z = scale (logit + bias),  l = softcap tanh(z / softcap), or z without a softcap
//   logits <- slope (1[column is target] - exp(l - lse)) dl/dlogit
// one invocation per element, grid folded over x and y
override WORKGROUP_SIZE: u32 = 64;
override HAS_BIAS: bool = false;
override HAS_SOFTCAP: bool = false;
struct Params { count: u32, cols: u32, first: u32, scale: f32, softcap: f32 }
@group(0) @binding(0) var<storage, read_write> logits: array<f32>;  // [rows, cols]
@group(0) @binding(1) var<storage, read> target_tokens: array<u32>; // [rows]
@group(0) @binding(2) var<storage, read> bias: array<f32>;          // [vocabulary], if HAS_BIAS
@group(0) @binding(3) var<storage, read> statistics: array<f32>;    // [rows, 5], lse first
@group(0) @binding(4) var<storage, read> slopes: array<f32>;        // [rows]
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i >= params.count) { return; }
  let row = i / params.cols;
  let col = params.first + i % params.cols;
  var l = logits[i];
  if (HAS_BIAS) { l += bias[col]; }
  l *= params.scale;
  var slope = params.scale;
  if (HAS_SOFTCAP) {
    let t = tanh(clamp(l / params.softcap, -10.0, 10.0));
    l = params.softcap * t;
    slope *= 1.0 - t * t;
  }
  let hit = select(0.0, 1.0, col == target_tokens[row]);
  logits[i] = slopes[row] * slope * (hit - exp(l - statistics[row * 5u]));
}
