// best[r, b] = (key of the largest x in block b of row r, the first column that has it)
// Keys are unsigned and in the order of the numbers: 0 and -0 are equal, and NaN is above all, so
// that it is not overlooked.
// one workgroup per block b and row r
override WORKGROUP_SIZE: u32 = 64;
struct Params { cols: u32, block_cols: u32, blocks: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;            // [rows, cols]
@group(0) @binding(1) var<storage, read_write> best: array<vec2u>; // [rows, blocks]
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> found: array<vec2u, WORKGROUP_SIZE>;

fn key_of(v: f32) -> u32 {
  let bits = bitcast<u32>(v);
  if ((bits & 0x7fffffffu) > 0x7f800000u) { return 0xffffffffu; }
  if ((bits & 0x7fffffffu) == 0u) { return 0x80000000u; }
  return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}

//#use "better.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let block = group.x;
  let row = group.y;
  let end = min((block + 1u) * params.block_cols, params.cols);
  var mine = vec2u(0u, 0xffffffffu);
  for (var c = block * params.block_cols + lane; c < end; c += WORKGROUP_SIZE) {
    mine = better(mine, vec2u(key_of(x[row * params.cols + c]), c));
  }
  found[lane] = mine;
  for (var step = WORKGROUP_SIZE / 2u; step > 0u; step /= 2u) {
    workgroupBarrier();
    if (lane < step) { found[lane] = better(found[lane], found[lane + step]); }
  }
  if (lane == 0u) { best[row * params.blocks + block] = found[0]; }
}
