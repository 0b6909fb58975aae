/**
 * Float64 twins of the optimizers' kernels: one step on one weight at a time, in plain arithmetic.
 */

type Numbers = Float64Array | number[];

/** AdamW; see kernels/optimizers/adamw.ts. Changes `weight`, `m` and `v`. */
export function adamwReference(
  weight: Numbers,
  gradient: ArrayLike<number>,
  m: Numbers,
  v: Numbers,
  o: {
    learningRate: number;
    beta1: number;
    beta2: number;
    eps: number;
    weightDecay: number;
    step: number;
    gradientScale: number;
  },
): void {
  for (let i = 0; i < weight.length; i++) {
    const g = gradient[i]! * o.gradientScale;
    m[i] = o.beta1 * m[i]! + (1 - o.beta1) * g;
    v[i] = o.beta2 * v[i]! + (1 - o.beta2) * g * g;
    const mHat = m[i]! / (1 - o.beta1 ** o.step);
    const vHat = v[i]! / (1 - o.beta2 ** o.step);
    weight[i]! *= 1 - o.learningRate * o.weightDecay;
    weight[i]! -= o.learningRate * mHat / (Math.sqrt(vHat) + o.eps);
  }
}

/** RMSprop; see kernels/optimizers/rmsprop.ts. Changes `weight`, `v` and `velocity`. */
export function rmspropReference(
  weight: Numbers,
  gradient: ArrayLike<number>,
  [v, velocity]: readonly [v: Numbers, velocity: Numbers],
  o: {
    learningRate: number;
    alpha: number;
    eps: number;
    weightDecay: number;
    momentum: number;
    gradientScale: number;
  },
): void {
  for (let i = 0; i < weight.length; i++) {
    const g = gradient[i]! * o.gradientScale + o.weightDecay * weight[i]!;
    v[i] = o.alpha * v[i]! + (1 - o.alpha) * g * g;
    velocity[i] = o.momentum * velocity[i]! + g / (Math.sqrt(v[i]!) + o.eps);
    weight[i]! -= o.learningRate * velocity[i]!;
  }
}

/** Adagrad; see kernels/optimizers/adagrad.ts. Changes `weight` and `sum`. */
export function adagradReference(
  weight: Numbers,
  gradient: ArrayLike<number>,
  sum: Numbers,
  o: {
    learningRate: number;
    eps: number;
    weightDecay: number;
    gradientScale: number;
  },
): void {
  for (let i = 0; i < weight.length; i++) {
    const g = gradient[i]! * o.gradientScale + o.weightDecay * weight[i]!;
    sum[i]! += g * g;
    weight[i]! -= o.learningRate * g / (Math.sqrt(sum[i]!) + o.eps);
  }
}

/**
 * Lion, arXiv 2302.06675, Algorithm 2; see kernels/optimizers/lion.ts. Changes `weight` and `m`.
 */
export function lionReference(
  weight: Numbers,
  gradient: ArrayLike<number>,
  m: Numbers,
  o: {
    learningRate: number;
    beta1: number;
    beta2: number;
    weightDecay: number;
    gradientScale: number;
  },
): void {
  for (let i = 0; i < weight.length; i++) {
    const g = gradient[i]! * o.gradientScale;
    const c = o.beta1 * m[i]! + (1 - o.beta1) * g;
    weight[i]! -= o.learningRate * (Math.sign(c) + o.weightDecay * weight[i]!);
    m[i] = o.beta2 * m[i]! + (1 - o.beta2) * g;
  }
}

/**
 * Gradient descent with momentum; see kernels/optimizers/sgd.ts. Changes `weight` and `velocity`.
 */
export function sgdReference(
  weight: Numbers,
  gradient: ArrayLike<number>,
  velocity: Numbers,
  o: {
    learningRate: number;
    momentum: number;
    weightDecay: number;
    gradientScale: number;
  },
): void {
  for (let i = 0; i < weight.length; i++) {
    const g = gradient[i]! * o.gradientScale + o.weightDecay * weight[i]!;
    velocity[i] = o.momentum * velocity[i]! + g;
    weight[i]! -= o.learningRate * velocity[i]!;
  }
}
