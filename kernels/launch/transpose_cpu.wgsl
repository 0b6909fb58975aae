// y[j, i] = x[i, first + j], and 0 for i past the end of x
// one invocation per 4 x 4 elements of y
// As transpose_gpu.wgsl, from a flat texture: CPUs load from textures twelve times faster,
// so whole words are used.
struct Params { rows: u32, pitch: u32, first: u32, count: u32, y_pitch: u32 }
@group(0) @binding(0) var x: texture_storage_2d<rgba32float, read>; // [rows, pitch] words, flat
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;    // [count, y_pitch] words
@group(0) @binding(2) var<uniform> params: Params;

fn at(row: u32, word: u32) -> vec4f {
  let i = row * params.pitch + word;
  let texel = textureLoad(x, vec2u(i % 512, i / 512));
  return select(vec4f(), texel, row < params.rows);
}

fn store(j: u32, word: u32, value: vec4f) {
  if (j < params.count) { y[j * params.y_pitch + word] = value; }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * 64 + lane;
  let blocks = (params.count + 3) / 4;
  let j = i % blocks * 4;
  let word = i / blocks;
  if (word >= params.y_pitch) { return; }
  let across = (params.first + j) / 4;
  let a = at(4 * word, across);
  let b = at(4 * word + 1, across);
  let c = at(4 * word + 2, across);
  let d = at(4 * word + 3, across);
  store(j, word, vec4f(a.x, b.x, c.x, d.x));
  store(j + 1, word, vec4f(a.y, b.y, c.y, d.y));
  store(j + 2, word, vec4f(a.z, b.z, c.z, d.z));
  store(j + 3, word, vec4f(a.w, b.w, c.w, d.w));
}
