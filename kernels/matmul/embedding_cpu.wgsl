// y[i, :] = w[ids[i], :] where ids[i] lies in this window of w
// one invocation per 4 elements of y
// As embedding_gpu.wgsl, from a flat texture: CPUs load from textures twelve times faster.
override FORMAT: u32 = 0;   // of w: 0 = f32, 1 = bf16, 2 = f16
struct Params { count: u32, cols: u32, pitch: u32, first: u32, rows: u32 }
@group(0) @binding(0) var<storage, read> ids: array<u32>;          // [count]
@group(0) @binding(1) var w: texture_storage_2d<rgba32uint, read>; // [rows, pitch], or [rows / 8, pitch, 4 pairs], words, flat
@group(0) @binding(2) var<storage, read_write> y: array<f32>;      // [count, cols]
@group(0) @binding(3) var<uniform> params: Params;

fn at(word: u32) -> vec2u { return vec2u(word % 512, word / 512); }

fn w_at(row: u32, word: u32) -> vec4f {
  if (FORMAT == 0) { return bitcast<vec4f>(textureLoad(w, at(row * params.pitch + word))); }
  // rows in pairs, the odd one in the upper halves; the words of four pairs take turns
  let pair = textureLoad(w, at((row / 8 * params.pitch + word) * 4 + row / 2 % 4));
  let half = select(pair & vec4u(0xffff), pair >> vec4u(16), row % 2 == 1);
  if (FORMAT == 1) { return bitcast<vec4f>(half << vec4u(16)); }
  return vec4f(unpack2x16float(half.x).x, unpack2x16float(half.y).x, unpack2x16float(half.z).x, unpack2x16float(half.w).x);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let words = (params.cols + 3) / 4;
  let i = (group.x + group.y * groups.x) * 64 + lane;
  let token = i / words;
  if (token >= params.count) { return; }
  let row = ids[token] - params.first;
  if (row >= params.rows) { return; }
  let col = i % words * 4;
  let values = w_at(row, col / 4);
  for (var j = 0u; j < 4 && col + j < params.cols; j++) {
    y[token * params.cols + col + j] = values[j];
  }
}
