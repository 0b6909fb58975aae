// g = clip dw;  m += (1 - beta1) (g - m);  v = beta2 v + (1 - beta2) g^2
// weight = decay weight - step_size m / (sqrt(v) / root_correction + eps)
// m and v are stored as codes of 8 bits, four in a word, times the largest number of their block.
// The numbers of the codes are the dynamic map: decade d of seven has n = FIRST 2^d numbers
// 10^(d - 6) (0.1 + 0.9 (f + 1/2) / n), f in 0 .. n - 1, and there are 0 and 1.
// one workgroup per block of 256 weights, four weights a lane, grid folded over x and y
// Nothing changes if clip is below 0.
const BLOCK = 256u;
const WORKGROUP_SIZE = 64u;
const SIGNED = 1u;   // FIRST of m: code 127 is 0, 128 to 255 are above it
const UNSIGNED = 2u; // FIRST of v: code 0 is 0
//#use "adamw_params.wgsl"
@group(0) @binding(0) var<storage, read_write> weight: array<f32>;  // [count]
@group(0) @binding(1) var<storage, read> gradient: array<f32>;      // [count]
@group(0) @binding(2) var<storage, read_write> state1: array<u32>;  // [ceil(count / 4)], codes of m
@group(0) @binding(3) var<storage, read_write> absmax1: array<f32>; // [blocks]
@group(0) @binding(4) var<storage, read_write> state2: array<u32>;  // [ceil(count / 4)], codes of v
@group(0) @binding(5) var<storage, read_write> absmax2: array<f32>; // [blocks]
@group(0) @binding(6) var<storage, read> clip: array<f32>;          // [2], of gradient_clip
@group(0) @binding(7) var<uniform> params: Params;
var<workgroup> tops: array<vec2f, WORKGROUP_SIZE>;

// 10^(decade - 6)
fn power(decade: vec4u) -> vec4f {
  var y = vec4f(1.0);
  y = select(y, vec4f(1e-1), decade == vec4u(5u));
  y = select(y, vec4f(1e-2), decade == vec4u(4u));
  y = select(y, vec4f(1e-3), decade == vec4u(3u));
  y = select(y, vec4f(1e-4), decade == vec4u(2u));
  y = select(y, vec4f(1e-5), decade == vec4u(1u));
  return select(y, vec4f(1e-6), decade == vec4u(0u));
}

// the number of rank 0 .. 128 FIRST + 1 - FIRST among those that are not negative
fn number(rank: vec4u, first: u32) -> vec4f {
  let place = max(rank + first - 1u, vec4u(first)); // FIRST 2^d + f
  let bit = firstLeadingBit(place);
  let size = vec4f(vec4u(1u) << bit);
  let y = (0.1 + 0.9 * (vec4f(place) + 0.5 - size) / size) * power(bit + 1u - first);
  return select(select(y, vec4f(1.0), place == vec4u(128u * first)), vec4f(0.0), rank == vec4u(0u));
}

// the rank of the number nearest to x of [0, 1]
fn nearest(x: vec4f, first: u32) -> vec4u {
  let gap = 0.9 / f32(first); // decade d begins halfway, at (1 + gap / 2^(d - 1)) 10^(d - 7)
  let decade = vec4u(x > vec4f((1.0 + gap) * 1e-6)) + vec4u(x > vec4f((1.0 + gap / 2.0) * 1e-5)) +
    vec4u(x > vec4f((1.0 + gap / 4.0) * 1e-4)) + vec4u(x > vec4f((1.0 + gap / 8.0) * 1e-3)) +
    vec4u(x > vec4f((1.0 + gap / 16.0) * 1e-2)) + vec4u(x > vec4f((1.0 + gap / 32.0) * 1e-1));
  let size = vec4f(vec4u(first) << decade);
  let f = clamp(floor((x / power(decade) - 0.1) / 0.9 * size), vec4f(0.0), size - 1.0);
  let rank = vec4u(size + f) + 1u - first;
  let top = select(rank, vec4u(127u * first + 1u), x > vec4f(1.0 - 0.25 * gap / 64.0));
  return select(top, vec4u(0u), x <= vec4f((0.05 + 0.25 * gap) * 1e-6));
}

fn unpack(word: u32) -> vec4u { return (vec4u(word) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u); }

fn pack(code: vec4u) -> u32 { return code.x | (code.y << 8u) | (code.z << 16u) | (code.w << 24u); }

fn signed_number(code: vec4u) -> vec4f {
  let rank = vec4i(code) - 127;
  return sign(vec4f(rank)) * number(vec4u(abs(rank)), SIGNED);
}

// the code of the number nearest to x of [-1, 1]; -1 has none
fn signed_code(x: vec4f) -> vec4u {
  let rank = nearest(abs(x), SIGNED);
  return select(127u + rank, 127u - min(rank, vec4u(127u)), x < vec4f(0.0));
}

fn share(x: vec4f, top: f32) -> vec4f {
  return select(vec4f(0.0), clamp(x / top, vec4f(-1.0), vec4f(1.0)), top > 0.0);
}

fn largest(x: vec4f) -> f32 { return max(max(x.x, x.y), max(x.z, x.w)); }

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = group.x + group.y * groups.x;
  if (block * BLOCK >= params.count || clip[1] < 0.0) { return; }
  let word = block * WORKGROUP_SIZE + lane;
  let place = 4u * word + vec4u(0u, 1u, 2u, 3u);
  let inside = place < vec4u(params.count);
  var g = vec4f(0.0);
  var w = vec4f(0.0);
  if (inside.x) { g.x = gradient[place.x]; w.x = weight[place.x]; }
  if (inside.y) { g.y = gradient[place.y]; w.y = weight[place.y]; }
  if (inside.z) { g.z = gradient[place.z]; w.z = weight[place.z]; }
  if (inside.w) { g.w = gradient[place.w]; w.w = weight[place.w]; }
  g *= clip[1];
  var m = vec4f(0.0);
  var v = vec4f(0.0);
  if (inside.x) {
    m = select(m, absmax1[block] * signed_number(unpack(state1[word])), inside);
    v = select(v, absmax2[block] * number(unpack(state2[word]), UNSIGNED), inside);
  }
  m += params.one_less_beta1 * (g - m);
  v = params.beta2 * v + params.one_less_beta2 * g * g;
  tops[lane] = vec2f(largest(abs(m)), largest(v));
  workgroupBarrier();
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    if (lane < half) { tops[lane] = max(tops[lane], tops[lane + half]); }
    workgroupBarrier();
  }
  let top = tops[0];
  w = params.decay * w - params.step_size * m / (sqrt(v) / params.root_correction + params.eps);
  if (inside.x) {
    weight[place.x] = w.x;
    state1[word] = pack(signed_code(share(m, top.x)));
    state2[word] = pack(nearest(share(v, top.y), UNSIGNED));
  }
  if (inside.y) { weight[place.y] = w.y; }
  if (inside.z) { weight[place.z] = w.z; }
  if (inside.w) { weight[place.w] = w.w; }
  if (lane == 0u) {
    absmax1[block] = top.x;
    absmax2[block] = top.y;
  }
}
