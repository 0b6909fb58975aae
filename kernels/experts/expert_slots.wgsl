// Sorts the choices of all tokens by expert, in the order of the tokens within one: a counting sort
// without atomics. starts[e] is the first slot of expert e, tokens has the token of each slot, and
// slots the slot of each choice.
// one workgroup; each lane takes one expert after the other
override WORKGROUP_SIZE: u32 = 256;
struct Params { choices: u32, experts: u32, k: u32 }
@group(0) @binding(0) var<storage, read> chosen: array<u32>;       // [tokens, k]
@group(0) @binding(1) var<storage, read_write> starts: array<u32>; // [experts + 1]
@group(0) @binding(2) var<storage, read_write> tokens: array<u32>; // [choices]
@group(0) @binding(3) var<storage, read_write> slots: array<u32>;  // [tokens, k]
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
  for (var e = lane; e < params.experts; e += WORKGROUP_SIZE) {
    var count = 0u;
    for (var i = 0u; i < params.choices; i++) { count += u32(chosen[i] == e); }
    starts[e + 1u] = count;
  }
  storageBarrier();
  if (lane == 0u) {
    var sum = 0u;
    starts[0] = 0u;
    for (var e = 1u; e <= params.experts; e++) {
      sum += starts[e];
      starts[e] = sum;
    }
  }
  storageBarrier();
  for (var e = lane; e < params.experts; e += WORKGROUP_SIZE) {
    var slot = starts[e];
    for (var i = 0u; i < params.choices; i++) {
      if (chosen[i] == e) {
        tokens[slot] = i / params.k;
        slots[i] = slot;
        slot++;
      }
    }
  }
}
