// The share of a normal distribution below x, (1 + erf(x / sqrt(2))) / 2, to 1.2e-7 of itself.
// Source: Press et al., Numerical Recipes, 2nd edition, Section 6.2 (Chebyshev fit of erfc).
fn normal_share(x: Real) -> Real {
  let z = abs(x) * 0.7071067812;
  let t = 1.0 / (1.0 + 0.5 * z);
  let fit = -1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 +
    t * (-0.18628806 + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 +
    t * (-0.82215223 + t * 0.17087277))))))));
  let beyond = 0.5 * t * exp(-z * z + fit);
  return select(beyond, 1.0 - beyond, x >= Real(0.0));
}
