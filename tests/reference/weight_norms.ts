/** The twin of the norms of an adapted weight's rows: the sum is made, row by row, in float64. */

/** Norms of the rows of `w + scale * b a`; `w` `[rows, cols]`, `a` `[r, cols]`, `b` `[rows, r]`. */
export function weightNormsTwin(
  { w, a, b }: Readonly<Record<"w" | "a" | "b", ArrayLike<number>>>,
  cols: number,
  scale: number,
): Float64Array {
  const rank = a.length / cols;
  return Float64Array.from({ length: w.length / cols }, (_, i) => {
    let sum = 0;
    for (let c = 0; c < cols; c++) {
      let value = w[i * cols + c]!;
      for (let k = 0; k < rank; k++) {
        value += scale * b[i * rank + k]! * a[k * cols + c]!;
      }
      sum += value * value;
    }
    return Math.sqrt(sum);
  });
}
