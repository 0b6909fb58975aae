// The numbers of four columns of a row of codes. Those of 4 bits are looked up two by two: the half
// of the table's texels that is read stays in the first cache, and a tree of selects took a quarter
// longer.
//#if INT8
fn four(codes: u32) -> vec4f {
  return vec4f(bitcast<vec4i>(vec4u(codes) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
}
//#else
fn two(pair: u32) -> vec2f { return textureLoad(scales, vec2u(pair & 255u, 0u)).xy; }
fn four(codes: u32) -> vec4f { return vec4f(two(codes), two(codes >> 8u)); }
fn scale_word(group: u32, block: u32) -> vec2u { return at(256u + group * (params.b_pitch / 8u) + block); }
//#end
