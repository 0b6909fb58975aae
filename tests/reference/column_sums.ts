/** Float64 twin of kernels/launch/column_sums.ts. */
export function columnSumsTwin(
  x: ArrayLike<number>,
  cols: number,
): Float64Array {
  const sums = new Float64Array(cols);
  for (let i = 0; i < x.length; i++) sums[i % cols]! += x[i]!;
  return sums;
}
