// Of what the lanes found, the largest number comes to maxima[0] and its column to places[0]; of
// equal numbers the lowest column wins.
workgroupBarrier();
for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
  if (lane < half) {
    let other = maxima[lane + half];
    let found = places[lane + half];
    if (other > maxima[lane] || (other == maxima[lane] && found < places[lane])) {
      maxima[lane] = other;
      places[lane] = found;
    }
  }
  workgroupBarrier();
}
