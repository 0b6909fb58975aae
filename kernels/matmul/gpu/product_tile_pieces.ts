/** Pieces of WGSL that only some of the products for GPUs have: ranges of rows, and weights that are codes. */

/** The rows of a group, which the device alone knows: `row0` and `end`. */
export const RANGE = `
  row0 += max(starts[params.group], params.row_base) - params.row_base;
  end = min(max(starts[params.group + 1], params.row_base) - params.row_base, params.rows);
  if (row0 >= end) { return; }`;

/** The binding that only codes have. */
export const SCALES =
  "@group(0) @binding(8) var<storage, read> scales: array<vec4f>;       // of codes: [4 in four bits + rows / 4, blocks]";

/** Numbers of codes; see matrix_scales.ts. */
export const CODES_AT = `
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
`;
