// g = clip dw;  m += (1 - momentum) (g - m)
// update = g + momentum (m - g) with nesterov 1, m with nesterov 0
// one invocation per Real, grid folded over x and y; nothing changes if clip is below 0
alias Real = f32; // or vec4f
override WORKGROUP_SIZE: u32 = 64;
struct Params {
  count: u32,
  one_less_momentum: f32,
  own_share: f32, // of g in the update: 1 - momentum, or 0 without nesterov
}
@group(0) @binding(0) var<storage, read> gradient: array<Real>;     // [count]
@group(0) @binding(1) var<storage, read_write> m: array<Real>;      // [count]
@group(0) @binding(2) var<storage, read_write> change: array<Real>; // [count]
@group(0) @binding(3) var<storage, read> clip: array<f32>;          // [2], of gradient_clip
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (i >= params.count || clip[1] < 0.0) { return; }
  let g = clip[1] * gradient[i];
  let old = m[i];
  let news = old + params.one_less_momentum * (g - old);
  m[i] = news;
  change[i] = news + params.own_share * (g - news);
}
