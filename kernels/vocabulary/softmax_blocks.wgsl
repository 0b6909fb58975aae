// states[r, b] = (max, sum(exp(scale * (x - max)))) of block b of row r
// one workgroup per block b and row r; a Word is WIDTH numbers, which a CPU loads as fast as one
//#values WIDTH
//#use "softmax_word.wgsl"
override WORKGROUP_SIZE: u32 = 64;
const LOWEST = -3.4e38;
struct Params { words: u32, block_words: u32, blocks: u32, scale: f32 }
@group(0) @binding(0) var<storage, read> x: array<Word>;             // [rows, words]
@group(0) @binding(1) var<storage, read_write> states: array<vec2f>; // [rows, blocks]
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> partial: array<f32, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * params.words;
  let begin = row + group.x * params.block_words;
  let end = row + min((group.x + 1u) * params.block_words, params.words);
  var most = Word(LOWEST);
  for (var i = begin + lane; i < end; i += WORKGROUP_SIZE) { most = max(most, x[i]); }
  partial[lane] = largest(most);
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { partial[lane] = max(partial[lane], partial[lane + half]); }
  }
  workgroupBarrier();
  let maximum = partial[0];
  workgroupBarrier();
  var sum = Word(0.0);
  for (var i = begin + lane; i < end; i += WORKGROUP_SIZE) {
    sum += exp(params.scale * (x[i] - Word(maximum)));
  }
  partial[lane] = total(sum);
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { partial[lane] += partial[lane + half]; }
  }
  if (lane == 0u) { states[group.y * params.blocks + group.x] = vec2f(maximum, partial[0]); }
}
