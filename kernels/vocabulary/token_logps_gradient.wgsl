// d logp(target) / d hidden: gradient[t, :] = slope_t target_weights[t, :] - gradient[t, :] / sum e
// with slope_t = d logit / d product at the target; gradient comes in as the sum over the
// vocabulary of e slope weight
// one invocation per element, grid folded over x and y
override WORKGROUP_SIZE: u32 = 64;
override HAS_SOFTCAP: bool = false;
struct Params { count: u32, cols: u32, scale: f32, softcap: f32 }
@group(0) @binding(0) var<storage, read> states: array<f32>;         // [rows, 8]
@group(0) @binding(1) var<storage, read> target_weights: array<f32>; // [rows, cols]
@group(0) @binding(2) var<storage, read_write> gradient: array<f32>; // [rows, cols]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i >= params.count) { return; }
  let at = i / params.cols * 8u;
  var slope = params.scale;
  if (HAS_SOFTCAP) {
    let t = states[at + 5u] / params.softcap;
    slope *= 1.0 - t * t;
  }
  gradient[i] = slope * target_weights[i] - gradient[i] / states[at + 1u];
}
