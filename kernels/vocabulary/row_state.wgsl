// The first lane takes the sums of the chunk into the row's state: what earlier chunks summed
// against the old maximum is rescaled to the new one.
if (lane > 0u) { return; }
let added = sums[0];
let at = row * 8u;
if (is_first) {
  states[at] = maximum;
  states[at + 1u] = added.x;
  states[at + 2u] = added.y;
  states[at + 3u] = added.z;
  states[at + 4u] = added.w;
  states[at + 6u] = f32(places[0]);
  row_factors[row] = 0.0;
} else {
  let shift = old_maximum - maximum;
  let factor = exp(shift);
  let old_sum = states[at + 1u];
  states[at] = maximum;
  states[at + 1u] = factor * old_sum + added.x;
  states[at + 2u] += added.y;
  states[at + 3u] = factor * (states[at + 3u] + shift * old_sum) + added.z;
  states[at + 4u] = factor * factor * states[at + 4u] + added.w;
  if (maxima[0] > old_maximum) { states[at + 6u] = f32(params.first + places[0]); }
  row_factors[row] = factor;
}
states[at + 5u] = target_logit;
