// Adds up what the lanes of a workgroup have in #{SUMS}, by halves; the total is #{SUMS}[0].
workgroupBarrier();
for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
  if (lane < half) { #{SUMS}[lane] += #{SUMS}[lane + half]; }
  workgroupBarrier();
}
