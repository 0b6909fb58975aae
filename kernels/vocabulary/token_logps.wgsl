// From the state of a row after the last chunk, m being the maximum and e = exp(l - m):
//   logps = (target's logit - m) - log(sum e)
//   statistics: m + log(sum e), the mean logit, the entropy log(sum e) - sum e (l - m) / sum e,
//   whether
//   the argmax is the target, sum p^2
// one invocation per row, grid folded over x and y
override WORKGROUP_SIZE: u32 = 64;
struct Params { rows: u32, vocabulary: u32 }
@group(0) @binding(0) var<storage, read> states: array<f32>;           // [rows, 8]
@group(0) @binding(1) var<storage, read> target_tokens: array<u32>;    // [rows]
@group(0) @binding(2) var<storage, read_write> logps: array<f32>;      // [rows]
@group(0) @binding(3) var<storage, read_write> statistics: array<f32>; // [rows, 5]
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (row >= params.rows) { return; }
  let at = row * 8u;
  let maximum = states[at];
  let sum = states[at + 1u];
  let log_sum = log(sum);
  logps[row] = (states[at + 5u] - maximum) - log_sum;
  let to = row * 5u;
  statistics[to] = maximum + log_sum;
  statistics[to + 1u] = states[at + 2u] / f32(params.vocabulary);
  statistics[to + 2u] = log_sum - states[at + 3u] / sum;
  statistics[to + 3u] = select(0.0, 1.0, u32(states[at + 6u]) == target_tokens[row]);
  statistics[to + 4u] = states[at + 4u] / (sum * sum);
}
