// y[i] = x[i] / (1 - rate) where the number drawn for element i is not below rate, else 0
// The draws are a hash of (number of the four elements, stream, seed), so that the backward draws
// the same.
// one invocation per four elements, grid folded over x and y
override WORKGROUP_SIZE: u32 = 64;
struct Params {
  count: u32,
  stream: u32,
  seed_low: u32,
  seed_high: u32,
  threshold: u32, // rate * 2^32
  factor: f32     // 1 / (1 - rate)
}
@group(0) @binding(0) var<storage, read> x: array<vec4f>;       // [count]
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>; // [count]
@group(0) @binding(2) var<uniform> params: Params;

//#use "pcg4d.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i >= params.count) { return; }
  let draws = hash(vec4u(i, params.stream, params.seed_low, params.seed_high));
  y[i] = select(vec4f(0.0), params.factor * x[i], draws >= vec4u(params.threshold));
}
