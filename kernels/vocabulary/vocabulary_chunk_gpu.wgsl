// The running softmax of each row over one chunk of the vocabulary, columns first .. first + cols -
// 1:
//   z = scale (logit + bias),  l = softcap tanh(z / softcap), or z without a softcap
//   m' = max(m, max l),  e = exp(l - m')
//   state: m', sum e, sum l, sum e (l - m'), sum e^2, the target's l, argmax
//   row_factors = exp(m - m'), by which sums against m are rescaled
//   logits <- e dl/dlogit, if WRITE_P
// one workgroup per row, grid folded over x and y; sums in registers, then by halves over the lanes
override WORKGROUP_SIZE: u32 = 64;
override WRITE_P: bool = true;
override HAS_BIAS: bool = false;
override HAS_SOFTCAP: bool = false;
struct Params { rows: u32, cols: u32, first: u32, scale: f32, softcap: f32 }
@group(0) @binding(0) var<storage, read_write> logits: array<f32>;      // [rows, cols]
@group(0) @binding(1) var<storage, read> target_tokens: array<u32>;     // [rows]
@group(0) @binding(2) var<storage, read> bias: array<f32>;              // [vocabulary], if HAS_BIAS
@group(0) @binding(3) var<storage, read_write> states: array<f32>;      // [rows, 8]
@group(0) @binding(4) var<storage, read_write> row_factors: array<f32>; // [rows]
@group(0) @binding(5) var<uniform> params: Params;
const LOWEST = -3.4e38;
var<workgroup> maxima: array<f32, WORKGROUP_SIZE>;
var<workgroup> places: array<u32, WORKGROUP_SIZE>;
var<workgroup> sums: array<vec4f, WORKGROUP_SIZE>;

fn model_logit(i: u32, col: u32) -> f32 {
  var z = logits[i];
  if (HAS_BIAS) { z += bias[params.first + col]; }
  z *= params.scale;
  // tanh is 1 beyond 10 in f32; some drivers give NaN far out
  if (HAS_SOFTCAP) { z = params.softcap * tanh(clamp(z / params.softcap, -10.0, 10.0)); }
  return z;
}

fn slope(l: f32) -> f32 {
  if (!HAS_SOFTCAP) { return params.scale; }
  let t = l / params.softcap;
  return params.scale * (1.0 - t * t);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let start = row * params.cols;
  let token = target_tokens[row] - params.first; // wraps around when it lies before
  var target_logit = states[row * 8u + 5u];
  if (token < params.cols) { target_logit = model_logit(start + token, token); }

  var best = LOWEST;
  var place = 0u;
  for (var col = lane; col < params.cols; col += WORKGROUP_SIZE) {
    let l = model_logit(start + col, col);
    if (l > best) { best = l; place = col; }
  }
  maxima[lane] = best;
  places[lane] = place;
  //#use "first_best.wgsl"

  let is_first = params.first == 0u;
  let old_maximum = select(states[row * 8u], LOWEST, is_first);
  let maximum = max(old_maximum, maxima[0]);
  var sum = vec4f();
  for (var col = lane; col < params.cols; col += WORKGROUP_SIZE) {
    let l = model_logit(start + col, col);
    let e = exp(l - maximum);
    sum += vec4f(e, l, e * (l - maximum), e * e);
    if (WRITE_P) { logits[start + col] = e * slope(l); }
  }
  sums[lane] = sum;
  //#use "add_lanes.wgsl" SUMS = "sums"
  //#use "row_state.wgsl"
}
