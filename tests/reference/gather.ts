/** Float64 twins of kernels/rows/gather.ts. */
export function gatherRowsTwin(
  x: ArrayLike<number>,
  index: ArrayLike<number>,
  cols: number,
): Float64Array {
  return Float64Array.from(
    { length: index.length * cols },
    (_, i) => x[index[Math.floor(i / cols)]! * cols + i % cols]!,
  );
}

/** `target[index[i], :] += x[i, :]`, row after row. */
export function scatterAddTwin(
  target: ArrayLike<number>,
  x: ArrayLike<number>,
  index: ArrayLike<number>,
  cols: number,
): Float64Array {
  const y = Float64Array.from(target);
  for (let i = 0; i < x.length; i++) {
    y[index[Math.floor(i / cols)]! * cols + i % cols]! += x[i]!;
  }
  return y;
}
