// id[r] = the column of the best of row r's blocks, or NONE if its key is of no finite number
// one workgroup per row r
override WORKGROUP_SIZE: u32 = 64;
const NONE = 0xffffffffu;
const NEGATIVE_INFINITY = 0x007fffffu; // as a key
const INFINITY = 0xff800000u;
struct Params { blocks: u32 }
@group(0) @binding(0) var<storage, read> best: array<vec2u>;   // [rows, blocks]: key, column
@group(0) @binding(1) var<storage, read_write> id: array<u32>; // [rows]
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> found: array<vec2u, WORKGROUP_SIZE>;

//#use "better.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x;
  var mine = vec2u(0u, NONE);
  for (var block = lane; block < params.blocks; block += WORKGROUP_SIZE) {
    mine = better(mine, best[row * params.blocks + block]);
  }
  found[lane] = mine;
  for (var step = WORKGROUP_SIZE / 2u; step > 0u; step /= 2u) {
    workgroupBarrier();
    if (lane < step) { found[lane] = better(found[lane], found[lane + step]); }
  }
  if (lane == 0u) {
    let finite = found[0].x > NEGATIVE_INFINITY && found[0].x < INFINITY;
    id[row] = select(NONE, found[0].y, finite);
  }
}
