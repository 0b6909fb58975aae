// dw[i, j] += sum of dy[s, i] x[s, j] over s = starts[group] .. starts[group + 1] - 1, counted from
// row_base one workgroup of 8 x 32 per 32 x 32 outputs, four neighbouring columns per invocation
struct Params { out: u32, cols: u32, dy_pitch: u32, x_pitch: u32, group: u32, row_base: u32, rows: u32 }
@group(0) @binding(0) var<storage, read> dy: array<vec4f>;         // [rows, dy_pitch] words of 4
@group(0) @binding(1) var<storage, read> x: array<vec4f>;          // [rows, x_pitch] words of 4
@group(0) @binding(2) var<storage, read> starts: array<u32>;       // [groups + 1]
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;     // [out, cols]
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(8, 32)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.y;
  let col = 4u * id.x;
  if (i >= params.out || col >= params.cols) { return; }
  let first = max(starts[params.group], params.row_base) - params.row_base;
  let end = min(max(starts[params.group + 1u], params.row_base) - params.row_base, params.rows);
  var sum = vec4f();
  for (var s = first; s < end; s++) {
    sum += dy[s * params.dy_pitch + i / 4u][i % 4u] * x[s * params.x_pitch + id.x];
  }
  for (var j = 0u; j < 4u && col + j < params.cols; j++) { dw[i * params.cols + col + j] += sum[j]; }
}
