/**
 * Computes eigenvalues and eigenvectors of small symmetric matrices by Jacobi rotations, in
 * float64. Pure.
 */

/** The eigenvalues `[n]` in falling order, and their vectors as the rows of `[n, n]`. */
export interface Eigen {
  readonly values: Float64Array;
  readonly vectors: Float64Array;
}

const SWEEPS = 60;

/**
 * Decomposes a symmetric matrix `[n, n]`, row-major. It is fast enough for n up to a few hundred.
 */
export function symmetricEigen(matrix: Float64Array, n: number): Eigen {
  const a = matrix.slice();
  const v = Float64Array.from(a, (_, i) => i % (n + 1) === 0 ? 1 : 0);
  const size = a.reduce((sum, x) => sum + x * x, 0);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let rest = 0;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        rest += a[p * n + q]! ** 2;
        rotate(a, v, n, [p, q]);
      }
    }
    if (rest <= 1e-30 * size) break;
  }
  const order = Array.from({ length: n }, (_, i) => i)
    .sort((i, j) => a[j * n + j]! - a[i * n + i]!);
  return {
    values: Float64Array.from(order, (i) => a[i * n + i]!),
    vectors: Float64Array.from(
      order.flatMap((i) => [...v.subarray(i * n, (i + 1) * n)]),
    ),
  };
}

/**
 * Rotates rows and columns p and q so that `a[p, q]` becomes 0, and the rows of v in the same way.
 */
function rotate(
  a: Float64Array,
  v: Float64Array,
  n: number,
  [p, q]: readonly [number, number],
): void {
  const off = a[p * n + q]!;
  if (off === 0) return;
  const theta = (a[q * n + q]! - a[p * n + p]!) / (2 * off);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  const turn = (m: Float64Array, i: number, j: number) => {
    const [x, y] = [m[i]!, m[j]!];
    m[i] = c * x - s * y;
    m[j] = s * x + c * y;
  };
  for (let k = 0; k < n; k++) turn(a, k * n + p, k * n + q);
  for (let k = 0; k < n; k++) {
    turn(a, p * n + k, q * n + k);
    turn(v, p * n + k, q * n + k);
  }
}
