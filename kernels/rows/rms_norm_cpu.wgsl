// As rms_norm.wgsl for a few rows on a CPU: y is also written as the texture that products read
// one workgroup of LANES invocations per row
override LANES: u32 = 8;
const FLAT_WIDTH = 512u;
struct Params { words: u32, eps: f32, offset: f32 } // words of four numbers in a row
@group(0) @binding(0) var<storage, read> x: array<vec4f>;                 // [rows, words]
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;            // [words]
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;           // [rows, words]
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>;          // [rows]
@group(0) @binding(4) var flat_y: texture_storage_2d<rgba32float, write>; // [rows, words], flat
@group(0) @binding(5) var<uniform> params: Params;

var<workgroup> partial: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x;
  let start = row * params.words;
  var squares = vec4f();
  for (var c = lane; c < params.words; c += LANES) {
    let v = x[start + c];
    squares += v * v;
  }
  partial[lane] = dot(squares, vec4f(1.0));
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i < LANES; i++) { sum += partial[i]; }
  let r = 1.0 / sqrt(sum / f32(4u * params.words) + params.eps);
  if (lane == 0u) { rstd[row] = r; }
  for (var c = lane; c < params.words; c += LANES) {
    let i = start + c;
    let value = x[i] * r * (params.offset + weight[c]);
    y[i] = value;
    textureStore(flat_y, vec2u(i % FLAT_WIDTH, i / FLAT_WIDTH), value);
  }
}
