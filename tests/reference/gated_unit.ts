/** Float64 twin of kernels/rows/gated_unit.ts. */
import type { Activation } from "../../kernels/rows/gated_unit.ts";

/** erf by its series, and by the fraction of its complement where that converges faster. */
export function erf(x: number): number {
  if (x < 0) return -erf(-x);
  if (x > 3) {
    let fraction = 0;
    for (let n = 60; n > 0; n--) fraction = n / 2 / (x + fraction);
    return 1 - Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
  }
  let term = x;
  let sum = x;
  for (let n = 1; n < 80; n++) {
    term *= -x * x / n;
    sum += term / (2 * n + 1);
  }
  return 2 / Math.sqrt(Math.PI) * sum;
}

/** The share of a normal distribution below x. */
const share = (x: number) => (1 + erf(x / Math.SQRT2)) / 2;

const SLOPE = Math.sqrt(2 / Math.PI);

export function activate(x: number, activation: Activation): number {
  if (activation === "relu2") return Math.max(x, 0) ** 2;
  if (activation === "gelu") return x * share(x);
  if (activation === "sigmoid") return 1 / (1 + Math.exp(-x));
  if (activation === "silu") return x / (1 + Math.exp(-x));
  return 0.5 * x * (1 + Math.tanh(SLOPE * (x + 0.044715 * x ** 3)));
}

export function activationSlope(x: number, activation: Activation): number {
  if (activation === "relu2") return 2 * Math.max(x, 0);
  if (activation === "gelu") {
    return share(x) + x * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
  }
  if (activation === "sigmoid") {
    const s = 1 / (1 + Math.exp(-x));
    return s * (1 - s);
  }
  if (activation === "silu") {
    const s = 1 / (1 + Math.exp(-x));
    return s * (1 + x * (1 - s));
  }
  const t = Math.tanh(SLOPE * (x + 0.044715 * x ** 3));
  const inner = SLOPE * (1 + 3 * 0.044715 * x ** 2);
  return 0.5 * (1 + t) + 0.5 * x * (1 - t ** 2) * inner;
}

export function gatedUnitTwin(
  gate: ArrayLike<number>,
  up: ArrayLike<number>,
  activation: Activation,
): Float64Array {
  return Float64Array.from(
    { length: up.length },
    (_, i) => activate(gate[i]!, activation) * up[i]!,
  );
}

export function gatedUnitBackwardTwin(
  gate: ArrayLike<number>,
  up: ArrayLike<number>,
  dy: ArrayLike<number>,
  activation: Activation,
): { dGate: Float64Array; dUp: Float64Array } {
  const dGate = new Float64Array(up.length);
  const dUp = new Float64Array(up.length);
  for (let i = 0; i < up.length; i++) {
    dGate[i] = dy[i]! * up[i]! * activationSlope(gate[i]!, activation);
    dUp[i] = dy[i]! * activate(gate[i]!, activation);
  }
  return { dGate, dUp };
}
