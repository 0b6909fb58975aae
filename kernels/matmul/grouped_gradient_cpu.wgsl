// dw[i, j] += sum of dy[s, i] x[s, j] over s = starts[group] .. starts[group + 1] - 1, counted from
// row_base one workgroup per 32 x 32 outputs: eight lanes of four columns, four rows at a time
struct Params { out: u32, cols: u32, dy_pitch: u32, x_pitch: u32, group: u32, row_base: u32, rows: u32 }
@group(0) @binding(0) var dy: texture_storage_2d<rgba32float, read>;  // [rows, dy_pitch], flat
@group(0) @binding(1) var x: texture_storage_2d<rgba32float, read>;   // [rows, x_pitch], flat
@group(0) @binding(2) var<storage, read> starts: array<u32>;          // [groups + 1]
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;        // [out, cols]
@group(0) @binding(4) var<uniform> params: Params;

fn at(word: u32) -> vec2u { return vec2u(word & 511u, word >> 9u); }

fn store(row: u32, col: u32, sum: vec4f) {
  if (row >= params.out) { return; }
  for (var j = 0u; j < 4u && col + j < params.cols; j++) { dw[row * params.cols + col + j] += sum[j]; }
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let word = 8u * group.x + lane;
  if (4u * word >= params.cols) { return; }
  let first = max(starts[params.group], params.row_base) - params.row_base;
  let end = min(max(starts[params.group + 1u], params.row_base) - params.row_base, params.rows);
  for (var r = 8u * group.y; r < 8u * group.y + 8u && 4u * r < params.out; r++) {
    var s0 = vec4f();
    var s1 = vec4f();
    var s2 = vec4f();
    var s3 = vec4f();
    for (var s = first; s < end; s++) {
      let b = textureLoad(x, at(s * params.x_pitch + word));
      let a = textureLoad(dy, at(s * params.dy_pitch + r));
      s0 += a.x * b;
      s1 += a.y * b;
      s2 += a.z * b;
      s3 += a.w * b;
    }
    store(4u * r, 4u * word, s0);
    store(4u * r + 1u, 4u * word, s1);
    store(4u * r + 2u, 4u * word, s2);
    store(4u * r + 3u, 4u * word, s3);
  }
}
