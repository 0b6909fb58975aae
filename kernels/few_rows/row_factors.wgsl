// One factor for all rows, or one a row. AT: the number of the binding.
@group(0) @binding(#{AT}) var<storage, read> factors: array<f32>; // [rows]; anything without has_factors
fn factor_of(row: u32) -> f32 {
  if (params.has_factors == 1u) { return factors[min(row, params.rows - 1u)]; }
  return params.factor;
}
