/** Float64 twin of kernels/activations/xielu.ts. */

/** The numbers of an activation. */
export interface XieluTwinNumbers {
  readonly alpha_p: number;
  readonly alpha_n: number;
  readonly beta: number;
  readonly eps: number;
}

const softplus = (x: number) =>
  Math.log1p(Math.exp(-Math.abs(x))) + Math.max(x, 0);
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

export function xieluTwin(
  x: ArrayLike<number>,
  { alpha_p, alpha_n, beta, eps }: XieluTwinNumbers,
): Float64Array {
  return Float64Array.from(
    x,
    (v) =>
      v > 0
        ? softplus(alpha_p) * v * v + beta * v
        : (beta + softplus(alpha_n)) * (Math.expm1(Math.min(v, eps)) - v) +
          beta * v,
  );
}

export function xieluBackwardTwin(
  x: ArrayLike<number>,
  { alpha_p, alpha_n, beta, eps }: XieluTwinNumbers,
  dy: ArrayLike<number>,
): { dx: Float64Array; dAlphas: [number, number] } {
  const dAlphas: [number, number] = [0, 0];
  const dx = Float64Array.from(x, (v, i) => {
    if (v > 0) {
      dAlphas[0] += dy[i]! * v * v * sigmoid(alpha_p);
      return dy[i]! * (2 * softplus(alpha_p) * v + beta);
    }
    dAlphas[1] += dy[i]! * (Math.expm1(Math.min(v, eps)) - v) *
      sigmoid(alpha_n);
    const turn = v < eps ? Math.exp(v) : 0;
    return dy[i]! * ((beta + softplus(alpha_n)) * (turn - 1) + beta);
  });
  return { dx, dAlphas };
}
