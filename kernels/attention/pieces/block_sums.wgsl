// #{SUM} += the factors of row 4y + r with the 32 rows of `other`, times quad x of these rows
for (var j = 0u; j < 8u; j++) {
  let #{ROW}0 = other[(4u * j) * STRIDE + x];
  let #{ROW}1 = other[(4u * j + 1u) * STRIDE + x];
  let #{ROW}2 = other[(4u * j + 2u) * STRIDE + x];
  let #{ROW}3 = other[(4u * j + 3u) * STRIDE + x];
  for (var r = 0u; r < 4u; r++) {
    let at = (y * 4u + r) * 4u * STRIDE + 4u * j;
    #{SUM} += #{FACTORS}[at] * #{ROW}0 +
      #[#{FACTORS}[at + #{i}u] * #{ROW}#{i} for i in 1..4 join " + "];
  }
}
