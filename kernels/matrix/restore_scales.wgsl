// y = what stands before the scales, then y[group, block][r] = map[code] absmax[index / 256] +
// offset for rows 4 group + r
// One invocation per word of y; scales of rows past the last are 0.
struct Params { before: u32, rows: u32, blocks: u32, shift: u32, absmax_at: u32, codes_at: u32 }
@group(0) @binding(0) var<storage, read> nested: array<u32>;         // offset, before, map [256], absmax, codes [rows / 4, blocks]
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;      // [before + rows / 4 * blocks]
@group(0) @binding(2) var<uniform> params: Params;

fn number(i: u32) -> f32 { return bitcast<f32>(nested[i]); }

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  let words = (params.rows + 3) / 4 * params.blocks;
  if (i >= params.before + words) { return; }
  if (i < params.before) {
    let at = 1 + 4 * i;
    y[i] = vec4f(number(at), number(at + 1), number(at + 2), number(at + 3));
    return;
  }
  let word = i - params.before;
  let codes = nested[params.codes_at + word];
  var scales: vec4f;
  for (var r = 0u; r < 4; r++) {
    let row = word / params.blocks * 4 + r;
    if (row >= params.rows) { break; }
    let index = params.shift + row * params.blocks + word % params.blocks;
    let code = (codes >> (8 * r)) & 255;
    scales[r] = number(1 + 4 * params.before + code) * number(params.absmax_at + index / 256) + number(0);
  }
  y[i] = scales;
}
