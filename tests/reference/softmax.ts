/** Float64 twin of the softmax kernel. */

/** Probabilities of each row of `scale * x`, `[x.length / cols, cols]`. */
export function softmax(
  x: ArrayLike<number>,
  cols: number,
  scale = 1,
): Float64Array {
  const y = new Float64Array(x.length);
  for (let begin = 0; begin < x.length; begin += cols) {
    let most = -Infinity;
    for (let i = begin; i < begin + cols; i++) most = Math.max(most, x[i]!);
    let sum = 0;
    for (let i = begin; i < begin + cols; i++) {
      sum += Math.exp(scale * (x[i]! - most));
    }
    for (let i = begin; i < begin + cols; i++) {
      y[i] = Math.exp(scale * (x[i]! - most)) / sum;
    }
  }
  return y;
}
