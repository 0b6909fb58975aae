// Per token and head, pair j of the rotary dims turns by the angle of the token's position:
//   y1 = x1 cos - x2 sin,  y2 = x2 cos + x1 sin
// where (x1, x2) are the dims (j, j + half), or (2 j, 2 j + 1) if interleaved; direction -1 turns
// back. The dims after 2 * half are copied.
// cos_sin has the cosines of the angles of a position and then their sines.
// one invocation per pair or copied Real, grid folded over x and y
alias Real = f32; // or vec4f, if not interleaved
override WORKGROUP_SIZE: u32 = 64;
struct Params {
  tokens: u32,
  heads: u32,
  head_dim: u32, // in Reals
  half: u32,     // in Reals
  interleaved: u32,
  direction: f32, // 1, or -1 to turn back
}
@group(0) @binding(0) var<storage, read> x: array<Real>;        // [tokens, heads, head_dim]
@group(0) @binding(1) var<storage, read> cos_sin: array<Real>;  // [positions, 2 * half]
@group(0) @binding(2) var<storage, read> positions: array<u32>; // [tokens]
@group(0) @binding(3) var<storage, read_write> y: array<Real>;  // [tokens, heads, head_dim]
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  let half = params.half;
  let work = params.head_dim - half; // per head: pairs, then copies
  if (i >= params.tokens * params.heads * work) { return; }
  let head = i / work;
  let j = i % work;
  let start = head * params.head_dim;
  if (j >= half) {
    y[start + half + j] = x[start + half + j];
    return;
  }
  let angle = positions[head / params.heads] * 2 * half + j;
  let c = cos_sin[angle];
  let s = params.direction * cos_sin[angle + half];
  let one = start + select(j, 2 * j, params.interleaved != 0);
  let two = start + select(j + half, 2 * j + 1, params.interleaved != 0);
  let x1 = x[one];
  let x2 = x[two];
  y[one] = x1 * c - x2 * s;
  y[two] = x2 * c + x1 * s;
}
