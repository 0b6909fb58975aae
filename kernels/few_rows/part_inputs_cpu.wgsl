// The bindings of PARTS products of one `a` on CPU devices: of each part b, its bias, and the
// second pair.
@group(0) @binding(0) var a: texture_storage_2d<rgba32float, read>;      // [rows, length], flat
//#for i in PARTS
@group(0) @binding(#{1 + 4 * i}) var b_#{i}: texture_storage_2d<rgba32uint, read>;      // [cols<i>, length] of TYPE, flat
@group(0) @binding(#{2 + 4 * i}) var<storage, read> bias#{i}: array<f32>;               // [cols<i>]
@group(0) @binding(#{3 + 4 * i}) var more_a#{i}: texture_storage_2d<rgba32float, read>; // [rows, more<i>_length], flat
@group(0) @binding(#{4 + 4 * i}) var more_b#{i}: texture_storage_2d<rgba32uint, read>;  // f32 [cols<i>, more<i>_length], flat
//#end
@group(0) @binding(#{6 * PARTS + 2}) var<uniform> params: Params;
