/** Float64 twin of kernels/attention/rope.ts, one head at a time. */
import type { RopeOptions } from "../../kernels/attention/rope.ts";

export function ropeTwin(
  x: ArrayLike<number>,
  cosSin: ArrayLike<number>,
  positions: ArrayLike<number>,
  options: RopeOptions,
): Float64Array {
  const { heads, headDim, rotaryDim = headDim } = options;
  const { interleaved, inverse } = options;
  const half = rotaryDim / 2;
  const y = Float64Array.from(x);
  for (let t = 0; t < positions.length; t++) {
    for (let h = 0; h < heads; h++) {
      const start = (t * heads + h) * headDim;
      for (let j = 0; j < half; j++) {
        const cos = cosSin[positions[t]! * rotaryDim + j]!;
        const sin = cosSin[positions[t]! * rotaryDim + half + j]! *
          (inverse ? -1 : 1);
        const one = start + (interleaved ? 2 * j : j);
        const two = start + (interleaved ? 2 * j + 1 : j + half);
        y[one] = x[one]! * cos - x[two]! * sin;
        y[two] = x[one]! * sin + x[two]! * cos;
      }
    }
  }
  return y;
}

/** Cosines and sines of the usual angles, `position * base^(-2 j / rotaryDim)`. */
export function angleTable(
  positions: number,
  rotaryDim: number,
  base = 10_000,
): Float32Array<ArrayBuffer> {
  const half = rotaryDim / 2;
  return Float32Array.from({ length: positions * rotaryDim }, (_, i) => {
    const j = i % rotaryDim;
    const angle = Math.floor(i / rotaryDim) * base ** (-(j % half) / half);
    return j < half ? Math.cos(angle) : Math.sin(angle);
  });
}
