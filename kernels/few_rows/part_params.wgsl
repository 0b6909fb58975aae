// Params of PARTS products of one `a`. EACH: every part is stored by itself, in workgroups
// [first_tile<i>, first_tile<i + 1>), with one factor for all rows or one a row.
struct Params {
  rows: u32, length: u32, a_word: u32, a_pitch: u32, b_row: u32, b_pitch: u32,
  //#for i in PARTS
  cols#{i}: u32, has_bias#{i}: u32, more#{i}_length: u32, more#{i}_a_word: u32, more#{i}_a_pitch: u32,
  more#{i}_b_row: u32, more#{i}_b_pitch: u32#{EACH || i + 1 < PARTS ? "," : ""}
  //#end
  //#if EACH
  #[first_tile#{i}: u32 for i in PARTS + 1 join ", "], factor: f32, has_factors: u32
  //#end
}
