// z = scale (logit + bias[column]);  logits <- softcap tanh(z / softcap), or z without a softcap
// one invocation per element, grid folded over x and y
override WORKGROUP_SIZE: u32 = 64;
override HAS_BIAS: bool = false;
override HAS_SOFTCAP: bool = false;
struct Params { count: u32, cols: u32, scale: f32, softcap: f32 }
@group(0) @binding(0) var<storage, read_write> logits: array<f32>; // [rows, cols]
@group(0) @binding(1) var<storage, read> bias: array<f32>;         // [cols], if HAS_BIAS
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i >= params.count) { return; }
  var z = logits[i];
  if (HAS_BIAS) { z += bias[i % params.cols]; }
  z *= params.scale;
  if (HAS_SOFTCAP) { z = params.softcap * tanh(clamp(z / params.softcap, -10.0, 10.0)); }
  logits[i] = z;
}
