// partials[first_block + b] = sum of x[i]^2 over block b of BLOCK Reals
// one workgroup per block: two short sums per lane, then over the lanes by halves; grid folded over
// x and y
alias Real = f32;        // or vec4f
override WIDTH: u32 = 1; // numbers in a Real
override BLOCK: u32 = 16384;
const WORKGROUP_SIZE = 64u;
struct Params { count: u32, first_block: u32 }                       // count in Reals
@group(0) @binding(0) var<storage, read> x: array<Real>;             // [count]
@group(0) @binding(1) var<storage, read_write> partials: array<f32>; // [blocks]
@group(0) @binding(2) var<uniform> params: Params;
var<workgroup> sums: array<f32, WORKGROUP_SIZE>;

//#use "total.wgsl"

fn square(i: u32) -> Real {
  if (i >= params.count) { return Real(0.0); }
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
  var even = Real(0.0);
  var odd = Real(0.0);
  for (var i = block * BLOCK + lane; i < end; i += 2u * WORKGROUP_SIZE) {
    even += square(i);
    odd += square(i + WORKGROUP_SIZE);
  }
  sums[lane] = total(even + odd);
  //#use "add_lanes.wgsl" SUMS = "sums"
  if (lane == 0u) { partials[params.first_block + block] = sums[0]; }
}
