// total = sum of partials;  clip = (total, min(1, most / (sqrt(total) + 1e-6)))
// The factor is 1 if most is 0 or less, and -1 if total is not finite.
// one workgroup: each lane's sum carries its rounding along (Kahan), then over the lanes by halves
const WORKGROUP_SIZE = 64u;
struct Params { count: u32, most: f32 }
@group(0) @binding(0) var<storage, read> partials: array<f32>;   // [count]
@group(0) @binding(1) var<storage, read_write> clip: array<f32>; // [2]
@group(0) @binding(2) var<uniform> params: Params;
var<workgroup> sums: array<f32, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  var lost = 0.0;
  for (var i = lane; i < params.count; i += WORKGROUP_SIZE) {
    let value = partials[i] - lost;
    let next = sum + value;
    lost = (next - sum) - value;
    sum = next;
  }
  sums[lane] = sum;
  //#use "add_lanes.wgsl" SUMS = "sums"
  if (lane > 0u) { return; }
  let total = sums[0];
  var factor = 1.0;
  if (params.most > 0.0) { factor = min(1.0, params.most / (sqrt(total) + 1e-6)); }
  // by bits, since drivers may take it for granted that numbers are finite
  if ((bitcast<u32>(total) & 0x7f800000u) == 0x7f800000u) { factor = -1.0; }
  clip[0] = total;
  clip[1] = factor;
}
