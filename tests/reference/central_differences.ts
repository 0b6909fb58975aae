/**
 * Slopes by trial: what a twin's backward is checked against. Error about step^2 and epsilon /
 * step.
 */

/** Gradient of `sum(dy * f(x))` with respect to x. */
export function centralDifferences(
  f: (x: Float64Array) => Float64Array,
  x: Float64Array,
  dy: ArrayLike<number>,
  step = 1e-5,
): Float64Array {
  return x.map((value, i) => {
    const objective = (v: number) => {
      const y = f(x.with(i, v));
      return y.reduce((sum, yj, j) => sum + yj * dy[j]!, 0);
    };
    return (objective(value + step) - objective(value - step)) / (2 * step);
  });
}
