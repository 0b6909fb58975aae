/** Float64 twin of kernels/optimizers/muon.ts: one step on one matrix, in plain arithmetic. */

type Rows = number[][];

const product = (a: Rows, b: Rows): Rows =>
  a.map((row) =>
    b[0]!.map((_, j) => row.reduce((sum, x, k) => sum + x * b[k]![j]!, 0))
  );
const transposed = (a: Rows): Rows =>
  a[0]!.map((_, j) => a.map((row) => row[j]!));
const combined = (a: number, x: Rows, b: number, y: Rows): Rows =>
  x.map((row, i) => row.map((one, j) => a * one + b * y[i]![j]!));

/** Changes `weight` and `m`, `[rows * cols]`. */
export function muonReference(
  weight: Float64Array,
  gradient: ArrayLike<number>,
  m: Float64Array,
  o: {
    rows: number;
    cols: number;
    learningRate: number;
    momentum: number;
    nesterov: boolean;
    steps: number;
    weightDecay: number;
    gradientScale: number;
  },
): void {
  const { rows, cols, momentum } = o;
  const mean = m.map((old, i) => {
    const g = gradient[i]! * o.gradientScale;
    m[i] = momentum * old + (1 - momentum) * g;
    return o.nesterov ? momentum * m[i]! + (1 - momentum) * g : m[i]!;
  });
  const norm = Math.max(Math.hypot(...mean), 1e-7);
  let x: Rows = Array.from(
    { length: rows },
    (_, i) =>
      Array.from({ length: cols }, (_, j) => mean[i * cols + j]! / norm),
  );
  for (let step = 0; step < o.steps; step++) {
    const s = product(x, transposed(x));
    const polynomial = combined(-4.775, s, 2.0315, product(s, s));
    x = combined(3.4445, x, 1, product(polynomial, x));
  }
  const rate = o.learningRate * 0.2 * Math.sqrt(Math.max(rows, cols));
  weight.forEach((w, i) => {
    weight[i] = w * (1 - o.learningRate * o.weightDecay) -
      rate * x[Math.floor(i / cols)]![i % cols]!;
  });
}
