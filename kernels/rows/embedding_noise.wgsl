// x[t, c] += magnitude[t] (2 u - 1), u in [0, 1) with steps of 2^-24
// The draws are a hash of (number of the four elements, stream, seed), so that a pass that is
// computed again draws the same.
// one invocation per four elements, grid folded over x and y
override WORKGROUP_SIZE: u32 = 64;
struct Params {
  count: u32, // rows * cols / 4, rounded up
  rows: u32,
  cols: u32,
  stream: u32,
  seed_low: u32,
  seed_high: u32
}
@group(0) @binding(0) var<storage, read_write> x: array<vec4f>;   // [rows, cols], and the rest of four
@group(0) @binding(1) var<storage, read> magnitudes: array<f32>;  // [rows]
@group(0) @binding(2) var<uniform> params: Params;

//#use "pcg4d.wgsl"

// an element behind the end counts as one of the last row
fn magnitude(i: u32) -> f32 { return magnitudes[min(i / params.cols, params.rows - 1u)]; }

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i >= params.count) { return; }
  let draws = hash(vec4u(i, params.stream, params.seed_low, params.seed_high));
  let noise = vec4f(draws >> vec4u(8u)) * 0x1p-23 - 1.0;
  let e = 4u * i;
  x[i] += noise * vec4f(magnitude(e), magnitude(e + 1u), magnitude(e + 2u), magnitude(e + 3u));
}
