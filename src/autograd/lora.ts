/**
 * Adapters of a frozen weight, plain data: `y = W x + scale * B (A x)`, and what else may be part
 * of one. Knows no names of models and no files; how they run is in adapted_linear.ts.
 *
 * Source: https://arxiv.org/abs/2106.09685, Eq. 3.
 */
import type { Device } from "../../kernels/device/device.ts";
import type { Tensor } from "../../kernels/device/tensor.ts";
import { weightNorms } from "../../kernels/matmul/weight_norms.ts";
import type { Vector, Weight } from "./parameter.ts";

/** A product of two small matrices: `a` `[r, in]`, `b` `[out, r]`. */
export interface LowRankPair {
  readonly a: Weight;
  readonly b: Weight;
  /** Of a plain adapter lora_alpha / r. */
  readonly scale: number;
}

/** An adapter. */
export interface Lora extends LowRankPair {
  /** Share of the inputs of `a` that training drops, 0 to 1. */
  readonly dropout: number;
  /** A further product that is never trained and never dropped; not with `dora`. */
  readonly fixed?: LowRankPair | undefined;
  readonly dora?: Dora | undefined;
}

/**
 * Trained lengths of a weight's rows, their directions being the adapter's:
 * https://arxiv.org/abs/2402.09353.
 */
export interface Dora {
  /** Magnitudes `[out]`. */
  readonly m: Vector;
  /** Of the base's weight: sums of the squares of its rows, `[out]`. */
  readonly squares: Tensor;
  /** `m / norm` `[out]` of an adapter that does not change. */
  readonly gains?: Tensor | undefined;
}

/** Which mask dropout draws: the same for forward, recompute and backward of one step. */
export interface DropoutSeed {
  readonly seed: number;
  readonly stream: number;
}

/** What an adapter's pass multiplies by where it serves some tokens only. */
export function rowScales({ scale, fixed, dora }: Lora): number[] {
  return [scale, ...(fixed ? [fixed.scale] : []), ...(dora ? [1] : [])];
}

/** A row's magnitude over its norm as adapted, and one over that norm: both `[out]`. */
export interface Gains {
  readonly gains: Tensor;
  /** Undefined where nothing is trained. */
  readonly inverse: Tensor | undefined;
}

/**
 * The factors of a layer's outputs now; the norms count as constants, as Sec. 4.3 of the paper has
 * it.
 */
export function doraGains(
  device: Device,
  weight: Weight,
  { a, b, scale }: Lora,
  { m, squares, gains }: Dora,
): Gains {
  if (gains) return { gains, inverse: undefined };
  return weightNorms(device, {
    w: weight.matrix,
    squares,
    scale,
    m: m.tensor,
    a: { value: a.parameter!.value, matrix: a.matrix },
    b: b.parameter!.value,
  });
}
