/** Float64 twin of kernels/norms/layer_norm.ts. */

/** Numbers in; `weight` and `bias` are `[groups * cols]`. */
export interface LayerNormInput {
  readonly x: ArrayLike<number>;
  readonly weight: ArrayLike<number>;
  readonly bias?: ArrayLike<number> | undefined;
  readonly cols: number;
  readonly eps: number;
}

/** Each row brought to mean 0 and variance 1, and its 1 / deviation. */
function normed({ x, cols, eps }: LayerNormInput) {
  const h = new Float64Array(x.length);
  const rstd = new Float64Array(x.length / cols);
  for (let r = 0; r < rstd.length; r++) {
    let [mean, squares] = [0, 0];
    for (let c = 0; c < cols; c++) mean += x[r * cols + c]! / cols;
    for (let c = 0; c < cols; c++) squares += (x[r * cols + c]! - mean) ** 2;
    rstd[r] = 1 / Math.sqrt(squares / cols + eps);
    for (let c = 0; c < cols; c++) {
      h[r * cols + c] = (x[r * cols + c]! - mean) * rstd[r]!;
    }
  }
  return { h, rstd };
}

export function layerNormTwin(input: LayerNormInput): Float64Array {
  const { weight, bias } = input;
  const { h } = normed(input);
  return h.map((value, i) =>
    value * weight[i % weight.length]! + (bias?.[i % weight.length] ?? 0)
  );
}

export function layerNormBackwardTwin(
  input: LayerNormInput,
  dy: ArrayLike<number>,
): { dx: Float64Array; dWeight: Float64Array; dBias: Float64Array } {
  const { x, weight, cols } = input;
  const { h, rstd } = normed(input);
  const dx = new Float64Array(x.length);
  const dWeight = new Float64Array(weight.length);
  const dBias = new Float64Array(weight.length);
  for (let r = 0; r < rstd.length; r++) {
    let [mean, product] = [0, 0];
    for (let i = r * cols; i < (r + 1) * cols; i++) {
      const g = dy[i]! * weight[i % weight.length]!;
      mean += g / cols;
      product += g * h[i]! / cols;
      dWeight[i % weight.length]! += dy[i]! * h[i]!;
      dBias[i % weight.length]! += dy[i]!;
    }
    for (let i = r * cols; i < (r + 1) * cols; i++) {
      const g = dy[i]! * weight[i % weight.length]!;
      dx[i] = rstd[r]! * (g - mean - h[i]! * product);
    }
  }
  return { dx, dWeight, dBias };
}
