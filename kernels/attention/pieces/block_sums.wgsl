// #{SUM} += the factors of row 4y + r with the 32 rows of `other`, times quad x of these rows
for (var j = 0u; j < 8u; j++) {
  let b0 = other[(4u * j) * STRIDE + x];
  let b1 = other[(4u * j + 1u) * STRIDE + x];
  let b2 = other[(4u * j + 2u) * STRIDE + x];
  let b3 = other[(4u * j + 3u) * STRIDE + x];
  for (var r = 0u; r < 4u; r++) {
    let at = (y * 4u + r) * 4u * STRIDE + 4u * j;
    #{SUM} += #{FACTORS}[at] * b0 +
      #[#{FACTORS}[at + #{i}u] * b#{i} for i in 1..4 join " + "];
  }
}
