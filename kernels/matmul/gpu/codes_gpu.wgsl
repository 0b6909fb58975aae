// the number of a code of 4 bits; see matrix_scales.ts
fn number(code: u32) -> f32 { return scales[(code & 15) / 4][code & 3]; }

// elements [4 word, 4 word + 4) of a row of codes: a group of four rows has a u32 each in a word
fn codes_at(row: u32, word: u32) -> vec4f {
  let group = row / 4;
  if (FORMAT == 3) {
    let bytes = vec4u(b[group * params.b_pitch + word][row % 4]);
    return vec4f(bitcast<vec4i>(bytes << vec4u(24, 16, 8, 0)) >> vec4u(24)) * scales[group][row % 4];
  }
  // a scale per 64 columns, after the numbers of the 16 codes
  let codes = b[group * params.b_pitch + word / 2][row % 4] >> (word % 2 * 16);
  let scale = scales[4 + group * (params.b_pitch / 8) + word / 16][row % 4];
  return scale * vec4f(number(codes >> 4), number(codes), number(codes >> 12), number(codes >> 8));
}
