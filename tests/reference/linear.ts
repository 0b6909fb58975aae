/** Float64 twins of the matrix products, in plain loops. */

/** y[t, j] = sum_k x[t, k] w[j, k] + bias[j] */
export function linearTwin(
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  { tokens, rows, cols, bias }: {
    tokens: number;
    rows: number;
    cols: number;
    bias?: ArrayLike<number>;
  },
): Float64Array {
  const y = new Float64Array(tokens * rows);
  for (let t = 0; t < tokens; t++) {
    for (let j = 0; j < rows; j++) {
      let sum = bias?.[j] ?? 0;
      for (let k = 0; k < cols; k++) sum += x[t * cols + k]! * w[j * cols + k]!;
      y[t * rows + j] = sum;
    }
  }
  return y;
}

/** dx[t, k] = sum_j dy[t, j] w[j, k] and dw[j, k] = sum_t dy[t, j] x[t, k] */
export function linearBackwardTwin(
  dy: ArrayLike<number>,
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  { tokens, rows, cols }: { tokens: number; rows: number; cols: number },
): { dx: Float64Array; dw: Float64Array } {
  const dx = new Float64Array(tokens * cols);
  const dw = new Float64Array(rows * cols);
  for (let t = 0; t < tokens; t++) {
    for (let j = 0; j < rows; j++) {
      const slope = dy[t * rows + j]!;
      for (let k = 0; k < cols; k++) {
        dx[t * cols + k]! += slope * w[j * cols + k]!;
        dw[j * cols + k]! += slope * x[t * cols + k]!;
      }
    }
  }
  return { dx, dw };
}
