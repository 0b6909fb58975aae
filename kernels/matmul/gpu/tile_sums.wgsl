// Adds the products of one pair of operands to the sums of a tile: words of both through workgroup
// memory, then every multiply-add. PAIR: "" or "more_"; FIRST, END: the words of k.
//
// Eight lanes store eight words in one go, of the same column of banks if words of a row lay a
// tile's height apart. So a row's place is turned by its word, `row ^ (8 / WORDS * word)`: they
// meet eight columns of banks, and reads stay neighbours.
for (var word = #{FIRST}; word < #{END}; word += #{WORDS}) {
  //#for i in HIGH * WORDS / 256
  //#let ROW = "(lane / #{WORDS} + #{i * 256 / WORDS})"
  a_tile[lane % #{WORDS} * #{HIGH} + (#{ROW} ^ (#{8 / WORDS} * (lane % #{WORDS})))] = #{PAIR}a_at(row0 + #{ROW}, word + lane % #{WORDS});
  //#end
  //#if NT
  //#for i in WIDE * WORDS / 256
  //#let ROW = "(lane / #{WORDS} + #{i * 256 / WORDS})"
  b_tile[lane % #{WORDS} * #{WIDE} + (#{ROW} ^ (#{8 / WORDS} * (lane % #{WORDS})))] = #{PAIR}b_at(col0 + #{ROW}, word + lane % #{WORDS});
  //#end
  //#else
  //#for i in WORDS * WIDE / 256
  b_tile[lane + #{i * 256}] = #{PAIR}b_at(4 * word + lane / #{WIDE / 4} + #{i * 256 / (WIDE / 4)}, col0 / 4 + lane % #{WIDE / 4});
  //#end
  //#end
  workgroupBarrier();
  //#if UNROLLED
  //#for n in WORDS
  {
    let w = #{n}u;
    //#use "tile_products.wgsl"
  }
  //#end
  //#else
  for (var w = 0u; w < #{WORDS}; w++) {
    //#use "tile_products.wgsl"
  }
  //#end
  workgroupBarrier();
}
