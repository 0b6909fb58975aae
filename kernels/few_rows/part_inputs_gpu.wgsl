// The bindings of PARTS products of one `a` on GPUs: of each part b, its bias, and the second pair.
@group(0) @binding(0) var<storage, read> a: array<vec4f>;        // [rows, a_pitch] words of 4
//#for i in PARTS
@group(0) @binding(#{1 + 4 * i}) var<storage, read> b_#{i}: array<vec4u>;      // [b_row + cols<i> (/ 2), b_pitch] words
@group(0) @binding(#{2 + 4 * i}) var<storage, read> bias#{i}: array<f32>;      // [cols<i>]
@group(0) @binding(#{3 + 4 * i}) var<storage, read> more_a#{i}: array<vec4f>;  // [rows, more<i>_a_pitch] words of 4
@group(0) @binding(#{4 + 4 * i}) var<storage, read> more_b#{i}: array<vec4f>;  // [cols<i>, more<i>_b_pitch] words of 4
//#end
@group(0) @binding(#{5 * PARTS + 1}) var<uniform> params: Params;

var<workgroup> partial: array<vec2f, 256>;                       // [4 rows, 4 pairs of columns, 16 invocations]
