// #{SUM}[r] += row 4y + r of `own` times the rows x, x + 8, x + 16 and x + 24 of `other`
for (var d = 0u; d < 8u; d++) {
  let b0 = other[x * STRIDE + d];
  let b1 = other[(x + 8u) * STRIDE + d];
  let b2 = other[(x + 16u) * STRIDE + d];
  let b3 = other[(x + 24u) * STRIDE + d];
  for (var r = 0u; r < 4u; r++) {
    let a = own[(y * 4u + r) * STRIDE + d];
    #{SUM}[r] += vec4f(#[dot(a, b#{i}) for i in 4 join ", "]);
  }
}
