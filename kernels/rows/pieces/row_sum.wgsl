// Adds up the LANES values of a row; a workgroup may have several rows.
fn row_sum(mine: f32, lane: u32) -> f32 {
  if (LANES == 1u) { return mine; }
  partial[lane] = mine;
  for (var step = LANES / 2u; step > 0u; step /= 2u) {
    workgroupBarrier();
    if (lane % LANES < step) { partial[lane] += partial[lane + step]; }
  }
  workgroupBarrier();
  return partial[lane - lane % LANES];
}
