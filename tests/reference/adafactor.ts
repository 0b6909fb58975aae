/**
 * Float64 twin of kernels/optimizers/adafactor.ts: arXiv 1804.04235, Algorithm 4 for matrices and
 * Algorithm 5 for vectors, each in plain loops, with the relative step size switched off and weight
 * decay added.
 */

/** Numbers of one step, in float64. */
export interface AdafactorNumbers {
  readonly learningRate: number;
  readonly clipThreshold: number;
  readonly decayRate: number;
  readonly weightDecay: number;
  readonly step: number;
  readonly gradientScale: number;
}

const EPS = 1e-30;

/** Algorithm 4 on `weight [rows, cols]`. Changes `weight`, `row [rows]` and `col [cols]`. */
export function adafactorMatrix(
  weight: Float64Array,
  gradient: ArrayLike<number>,
  { row, col }: { row: Float64Array; col: Float64Array },
  o: AdafactorNumbers,
): void {
  const [rows, cols] = [row.length, col.length];
  const g = Float64Array.from(gradient, (x) => x * o.gradientScale);
  const beta2 = 1 - o.step ** o.decayRate;
  for (let r = 0; r < rows; r++) {
    let sum = 0;
    for (let c = 0; c < cols; c++) sum += g[r * cols + c]! ** 2 + EPS;
    row[r] = beta2 * row[r]! + (1 - beta2) * sum / cols;
  }
  for (let c = 0; c < cols; c++) {
    let sum = 0;
    for (let r = 0; r < rows; r++) sum += g[r * cols + c]! ** 2 + EPS;
    col[c] = beta2 * col[c]! + (1 - beta2) * sum / rows;
  }
  const mean = row.reduce((sum, x) => sum + x, 0) / rows;
  const update = g.map((x, i) => {
    const v = row[Math.floor(i / cols)]! * col[i % cols]! / mean;
    return x / Math.sqrt(v);
  });
  apply(weight, update, o);
}

/** Algorithm 5 on a vector. Changes `weight` and `v`. */
export function adafactorVector(
  weight: Float64Array,
  gradient: ArrayLike<number>,
  v: Float64Array,
  o: AdafactorNumbers,
): void {
  const beta2 = 1 - o.step ** o.decayRate;
  const update = Float64Array.from(gradient, (x, i) => {
    const g = x * o.gradientScale;
    v[i] = beta2 * v[i]! + (1 - beta2) * (g * g + EPS);
    return g / Math.sqrt(v[i]!);
  });
  apply(weight, update, o);
}

function apply(
  weight: Float64Array,
  update: Float64Array,
  { learningRate, clipThreshold, weightDecay }: AdafactorNumbers,
): void {
  const squares = update.reduce((sum, x) => sum + x * x, 0);
  const rms = Math.sqrt(squares / update.length);
  const divisor = Math.max(1, rms / clipThreshold);
  for (let i = 0; i < weight.length; i++) {
    const decayed = weight[i]! - learningRate * weightDecay * weight[i]!;
    weight[i] = decayed - learningRate * update[i]! / divisor;
  }
}
