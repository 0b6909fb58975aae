// lse and o . dout of a (query, head) row; a texel holds those of two rows
fn stats_of(head: u32) -> vec2f {
  let pair = textureLoad(stats, place(head / 2u));
  return select(pair.xy, pair.zw, head % 2u == 1u);
}
