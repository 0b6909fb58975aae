// As vocabulary_chunk_gpu.wgsl, for CPUs: the logits come from a flat texture, four columns at a
// time, which is twice as fast there; p <- e dl/dlogit, if WRITE_P. cols is a multiple of 4. one
// workgroup per row, grid folded over x and y; sums in registers, then by halves over the lanes
override WORKGROUP_SIZE: u32 = 8;
override WRITE_P: bool = true;
override HAS_BIAS: bool = false;
override HAS_SOFTCAP: bool = false;
struct Params { rows: u32, cols: u32, first: u32, scale: f32, softcap: f32 }
@group(0) @binding(0) var logits: texture_storage_2d<rgba32float, read>; // [rows, cols]
@group(0) @binding(1) var<storage, read_write> p: array<vec4f>;          // [rows, cols]
@group(0) @binding(2) var<storage, read> target_tokens: array<u32>;      // [rows]
@group(0) @binding(3) var<storage, read> bias: array<f32>;               // [vocabulary], if any
@group(0) @binding(4) var<storage, read_write> states: array<f32>;       // [rows, 8]
@group(0) @binding(5) var<storage, read_write> row_factors: array<f32>;  // [rows]
@group(0) @binding(6) var<uniform> params: Params;
const LOWEST = -3.4e38;
var<workgroup> maxima: array<f32, WORKGROUP_SIZE>;
var<workgroup> places: array<u32, WORKGROUP_SIZE>;
var<workgroup> sums: array<vec4f, WORKGROUP_SIZE>;

fn model_logits(texel: u32, col: u32) -> vec4f {
  var z = textureLoad(logits, vec2u(texel % 512u, texel / 512u));
  if (HAS_BIAS) {
    let at = params.first + col;
    z += vec4f(bias[at], bias[at + 1u], bias[at + 2u], bias[at + 3u]);
  }
  z *= params.scale;
  // tanh is 1 beyond 10 in f32; some drivers give NaN far out
  if (HAS_SOFTCAP) {
    z = params.softcap * tanh(clamp(z / params.softcap, vec4f(-10.0), vec4f(10.0)));
  }
  return z;
}

fn slopes(l: vec4f) -> vec4f {
  if (!HAS_SOFTCAP) { return vec4f(params.scale); }
  let t = l / params.softcap;
  return params.scale * (1.0 - t * t);
}

fn total(v: vec4f) -> f32 { return (v.x + v.y) + (v.z + v.w); }

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let cols4 = params.cols / 4u;
  let start = row * cols4;
  let token = target_tokens[row] - params.first; // wraps around when it lies before
  var target_logit = states[row * 8u + 5u];
  if (token < params.cols) {
    target_logit = model_logits(start + token / 4u, token - token % 4u)[token % 4u];
  }

  var bests = vec4f(LOWEST);
  var founds = vec4u();
  for (var col = lane; col < cols4; col += WORKGROUP_SIZE) {
    let l = model_logits(start + col, 4u * col);
    let better = l > bests;
    bests = select(bests, l, better);
    founds = select(founds, vec4u(col), better);
  }
  var best = bests.x;
  var place = 4u * founds.x;
  for (var j = 1u; j < 4u; j++) {
    let found = 4u * founds[j] + j;
    if (bests[j] > best || (bests[j] == best && found < place)) {
      best = bests[j];
      place = found;
    }
  }
  maxima[lane] = best;
  places[lane] = place;
  //#use "first_best.wgsl"

  let is_first = params.first == 0u;
  let old_maximum = select(states[row * 8u], LOWEST, is_first);
  let maximum = max(old_maximum, maxima[0]);
  var sum_e = vec4f();
  var sum_l = vec4f();
  var sum_el = vec4f();
  var sum_ee = vec4f();
  for (var col = lane; col < cols4; col += WORKGROUP_SIZE) {
    let l = model_logits(start + col, 4u * col);
    let e = exp(l - maximum);
    sum_e += e;
    sum_l += l;
    sum_el += e * (l - maximum);
    sum_ee += e * e;
    if (WRITE_P) { p[start + col] = e * slopes(l); }
  }
  sums[lane] = vec4f(total(sum_e), total(sum_l), total(sum_el), total(sum_ee));
  //#use "add_lanes.wgsl" SUMS = "sums"
  //#use "row_state.wgsl"
}
