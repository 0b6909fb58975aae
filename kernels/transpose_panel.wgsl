// y[j, i] = x[i, first + j], and 0 for i past the end of x        one invocation per 4 elements of y
// As transpose.wgsl, from a flat texture: CPU adapters load from textures twelve times faster.
struct Params { rows: u32, cols: u32, first: u32, count: u32, pitch: u32 }
@group(0) @binding(0) var x: texture_storage_2d<rgba32float, read>; // [rows, cols], flat
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;    // [count, pitch / 4]
@group(0) @binding(2) var<uniform> params: Params;

fn at(row: u32, col: u32) -> f32 {
  let i = row * params.cols + col;
  let texel = textureLoad(x, vec2u(i / 4 % 512, i / 2048));
  return select(0.0, texel[i % 4], row < params.rows);
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * 8 + lane;
  let j = i % params.count;
  let word = i / params.count;
  if (word >= params.pitch / 4) { return; }
  let col = params.first + j;
  let row = 4 * word;
  y[j * (params.pitch / 4) + word] =
    vec4f(at(row, col), at(row + 1, col), at(row + 2, col), at(row + 3, col));
}
