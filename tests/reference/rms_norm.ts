/** Float64 twin of kernels/rows/rms_norm.ts. */

/** Numbers in, and the weight's offset. */
export interface RmsNormInput {
  readonly x: ArrayLike<number>;
  readonly weight: ArrayLike<number>;
  readonly eps: number;
  readonly offset: number;
}

export function rmsNormTwin(
  { x, weight, eps, offset }: RmsNormInput,
): { y: Float64Array; rstd: Float64Array } {
  const cols = weight.length;
  const y = new Float64Array(x.length);
  const rstd = new Float64Array(x.length / cols);
  for (let r = 0; r < rstd.length; r++) {
    let squares = 0;
    for (let c = 0; c < cols; c++) squares += x[r * cols + c]! ** 2;
    rstd[r] = 1 / Math.sqrt(squares / cols + eps);
    for (let c = 0; c < cols; c++) {
      y[r * cols + c] = x[r * cols + c]! * rstd[r]! * (offset + weight[c]!);
    }
  }
  return { y, rstd };
}

export function rmsNormBackwardTwin(
  input: RmsNormInput,
  dy: ArrayLike<number>,
): { dx: Float64Array; dWeight: Float64Array } {
  const { x, weight, offset } = input;
  const { rstd } = rmsNormTwin(input);
  const cols = weight.length;
  const dx = new Float64Array(x.length);
  const dWeight = new Float64Array(cols);
  for (let r = 0; r < rstd.length; r++) {
    let mean = 0;
    for (let c = 0; c < cols; c++) {
      const at = r * cols + c;
      mean += dy[at]! * (offset + weight[c]!) * x[at]! / cols;
      dWeight[c]! += dy[at]! * x[at]! * rstd[r]!;
    }
    for (let c = 0; c < cols; c++) {
      const at = r * cols + c;
      dx[at] = rstd[r]! * dy[at]! * (offset + weight[c]!) -
        x[at]! * rstd[r]! ** 3 * mean;
    }
  }
  return { dx, dWeight };
}
