// partials[first_block + b] = sum of x[i]^2 over block b of BLOCK elements
// one workgroup per block: four short sums per invocation, then a tree; grid folded over x and y
override BLOCK: u32 = 16384;
const WORKGROUP_SIZE = 64u;
struct Params { count: u32, first_block: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;                // [count]
@group(0) @binding(1) var<storage, read_write> partials: array<f32>;   // [blocks]
@group(0) @binding(2) var<uniform> params: Params;
var<workgroup> sums: array<f32, WORKGROUP_SIZE>;

fn square(i: u32) -> f32 {
  if (i >= params.count) { return 0.0; }
  let value = x[i];
  return value * value;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = group.x + group.y * groups.x;
  if (block * BLOCK >= params.count) { return; }
  let end = min(params.count, (block + 1u) * BLOCK);
  var sum = vec4f();
  for (var i = block * BLOCK + lane; i < end; i += 4u * WORKGROUP_SIZE) {
    sum += vec4f(
      square(i),
      square(i + WORKGROUP_SIZE),
      square(i + 2u * WORKGROUP_SIZE),
      square(i + 3u * WORKGROUP_SIZE),
    );
  }
  sums[lane] = (sum.x + sum.y) + (sum.z + sum.w);
  workgroupBarrier();
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    if (lane < half) { sums[lane] += sums[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u) { partials[params.first_block + block] = sums[0]; }
}
