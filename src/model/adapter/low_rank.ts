/**
 * Adds the change of an adapter to the rows of a weight, on the CPU in float64. Knows no file and
 * no device.
 */

/** The change of one weight `[rows, cols]` by an adapter. */
export interface LowRank {
  /** `[rank, cols]` */
  readonly a: Float32Array;
  /** `[rows, rank]` */
  readonly b: Float32Array;
  readonly rank: number;
  readonly scale: number;
  /** The norms that the rows get, `[rows]`; undefined: they keep their own. */
  readonly m?: Float32Array | undefined;
}

/**
 * Adds `scale * B A` to rows of a weight in place, summed in float64 and rounded once. With
 * magnitudes each row is then scaled to its magnitude.
 *
 * Sources: https://arxiv.org/abs/2106.09685, Eq. 3; https://arxiv.org/abs/2402.09353, Eq. 5.
 *
 * @param rows `[rows, cols]` part of the weight, which begins with its row `firstRow`
 */
export function addLowRank(
  rows: Float32Array,
  firstRow: number,
  { a, b, rank, scale, m }: LowRank,
): void {
  const cols = a.length / rank;
  const sums = new Float64Array(cols);
  for (let at = 0; at < rows.length; at += cols) {
    sums.set(rows.subarray(at, at + cols));
    const row = firstRow + at / cols;
    for (let k = 0; k < rank; k++) {
      const factor = scale * b[row * rank + k]!;
      const from = k * cols;
      for (let c = 0; c < cols; c++) sums[c]! += factor * a[from + c]!;
    }
    if (m) {
      const squares = sums.reduce((sum, value) => sum + value * value, 0);
      const factor = m[row]! / Math.sqrt(squares);
      for (let c = 0; c < cols; c++) sums[c]! *= factor;
    }
    rows.set(sums, at);
  }
}
