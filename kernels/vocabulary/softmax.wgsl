// y[r, :] = exp(scale * (x[r, :] - max)) / sum(exp(scale * (x[r, :] - max)))
// The maximum is subtracted before the scale, so that large logits lose nothing to rounding.
// one workgroup per block b and row r, which first joins the states of all blocks of the row
//#values WIDTH
//#use "softmax_word.wgsl"
override WORKGROUP_SIZE: u32 = 64;
struct Params { words: u32, block_words: u32, blocks: u32, scale: f32 }
@group(0) @binding(0) var<storage, read> x: array<Word>;       // [rows, words]
@group(0) @binding(1) var<storage, read> states: array<vec2f>; // [rows, blocks], (max, sum)
@group(0) @binding(2) var<storage, read_write> y: array<Word>; // [rows, words]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = group.y * params.blocks;
  var most = states[first].x;
  for (var b = 1u; b < params.blocks; b++) { most = max(most, states[first + b].x); }
  var sum = 0.0;
  for (var b = 0u; b < params.blocks; b++) {
    let state = states[first + b];
    sum += state.y * exp(params.scale * (state.x - most));
  }
  let row = group.y * params.words;
  let end = row + min((group.x + 1u) * params.block_words, params.words);
  for (var i = row + group.x * params.block_words + lane; i < end; i += WORKGROUP_SIZE) {
    y[i] = exp(params.scale * (x[i] - Word(most))) / sum;
  }
}
