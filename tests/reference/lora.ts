/** The twin of a linear layer with its adapter, in plain loops and float64, by PEFT's formula. */
import { weightNormsTwin } from "./weight_norms.ts";

/** A layer's numbers, all row-major. */
export interface AdaptedLayer {
  /** `[tokens, cols]` */
  readonly x: Float64Array;
  /** x after dropout, as a function of x; default x itself. */
  readonly dropped?: (x: Float64Array) => Float64Array;
  /** `[rows, cols]` */
  readonly w: ArrayLike<number>;
  /** `[rows]` */
  readonly bias: ArrayLike<number>;
  /** `[r, cols]` */
  readonly a: Float64Array;
  /** `[rows, r]` */
  readonly b: Float64Array;
  readonly scale: number;
  /** A further product without dropout. */
  readonly fixed?: { a: Float64Array; b: Float64Array; scale: number };
  /** Magnitudes `[rows]`, and the norms that they are divided by: constants. */
  readonly dora?: { m: Float64Array; norms: ArrayLike<number> };
}

function product(
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  cols: number,
): Float64Array {
  const rows = w.length / cols;
  return Float64Array.from({ length: x.length / cols * rows }, (_, i) => {
    const [t, row] = [Math.floor(i / rows), i % rows];
    let sum = 0;
    for (let c = 0; c < cols; c++) sum += x[t * cols + c]! * w[row * cols + c]!;
    return sum;
  });
}

function lowRank(
  x: Float64Array,
  { a, b, scale }: Pick<AdaptedLayer, "a" | "b" | "scale">,
  cols: number,
): Float64Array {
  const h = product(x, a, cols);
  return product(h, b, a.length / cols).map((value) => scale * value);
}

/** `[tokens, rows]` */
export function loraLinearTwin(
  layer: AdaptedLayer,
  cols: number,
): Float64Array {
  const { x, w, bias, fixed, dora } = layer;
  const input = layer.dropped?.(x) ?? x;
  const own = lowRank(input, layer, cols);
  const further = fixed ? lowRank(x, fixed, cols) : own.map(() => 0);
  const base = product(x, w, cols);
  const dropped = product(input, w, cols);
  return base.map((value, i) => {
    const row = i % bias.length;
    const plain = value + bias[row]! + further[i]!;
    if (!dora) return plain + own[i]!;
    const factor = dora.m[row]! / dora.norms[row]!;
    return plain + (factor - 1) * dropped[i]! + factor * own[i]!;
  });
}

/** Norms of a layer's rows as adapted. */
export function normsOf(
  { w, a, b, scale }: AdaptedLayer,
  cols: number,
): Float64Array {
  return weightNormsTwin({ w, a, b }, cols, scale);
}
