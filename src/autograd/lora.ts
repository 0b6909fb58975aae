/**
 * LoRA: the types of an adapter and its forward and backward pass. `loraLinear()` IS WHERE LORA IS
 * APPLIED: a linear layer with an adapter computes `y = W x + scale * B (A x) + bias`, and the
 * adapter's product rides along in the launch of the weight's product. Knows no names of models and
 * no files; PEFT's layout is in src/model/adapter.
 *
 * With DoRA's magnitudes m, let x' be x after dropout and u = W x' + scale * B A x'. Then
 * y = W x + scale * B A x' + bias + (g - 1) u with the gains g = m / norm, which without dropout is
 * g u + bias. PEFT computes the same.
 *
 * Sources: LoRA https://arxiv.org/abs/2106.09685, Eq. 3; DoRA https://arxiv.org/abs/2402.09353,
 * Eq. 5.
 */
import { columnSums } from "../../kernels/launch/column_sums.ts";
import type { Device } from "../../kernels/device/device.ts";
import { dropout } from "../../kernels/rows/dropout.ts";
import { addInto, multiply } from "../../kernels/rows/elementwise.ts";
import { linear, linearDw, linearDx } from "../../kernels/matmul/linear.ts";
import { lowRank } from "../../kernels/few_rows/low_rank.ts";
import { scaleColumns } from "../../kernels/rows/scale_columns.ts";
import { weightNorms } from "../../kernels/matmul/weight_norms.ts";
import type { Tensor } from "../../kernels/device/tensor.ts";
import type { Parameter, Vector, Weight } from "./parameter.ts";
import { isRecording, isTracked, record } from "./tape.ts";

/** A product of two small matrices, `scale * b a`: `a` `[r, in]`, `b` `[out, r]`. */
export interface LowRankPair {
  readonly a: Weight;
  readonly b: Weight;
  /** The factor of the product: lora_alpha / r for a plain adapter. */
  readonly scale: number;
}

/** An adapter of one linear layer. */
export interface Lora extends LowRankPair {
  /** Share of the inputs of `a` that is dropped in training, 0 to 1. */
  readonly dropout: number;
  /**
   * A further product without training and dropout: PiSSA's start, or an earlier adapter. It
   * excludes `dora`.
   */
  readonly fixed?: LowRankPair | undefined;
  readonly dora?: Dora | undefined;
}

/**
 * DoRA's magnitudes: trained norms of the rows of the adapted weight. Source:
 * https://arxiv.org/abs/2402.09353.
 */
export interface Dora {
  /** The magnitudes, `[out]`. */
  readonly m: Vector;
  /** The sum of squares of each row of the frozen weight, `[out]`. */
  readonly squares: Tensor;
  /** `m / norm` `[out]`, computed beforehand for an adapter that does not change. */
  readonly gains?: Tensor | undefined;
}

/** Names a dropout mask. Forward, recomputation and backward of a step draw the same mask by it. */
export interface DropoutSeed {
  readonly seed: number;
  readonly stream: number;
}

/** All factors for which `LoraLinearParts.loraRows` is asked in a pass over this adapter. */
export function rowScales({ scale, fixed, dora }: Lora): number[] {
  return [scale, ...(fixed ? [fixed.scale] : []), ...(dora ? [1] : [])];
}

/**
 * DoRA's gains: each row's magnitude divided by the norm of the adapted row, `[out]`; and 1 / norm,
 * `[out]`.
 */
export interface Gains {
  readonly gains: Tensor;
  /** Undefined if the gains were computed beforehand, since then nothing is trained. */
  readonly inverse: Tensor | undefined;
}

/**
 * Gives an adapter's factor for each token, `[tokens]`: `scale` where it serves the token, else 0.
 */
export type RowFactors = (scale: number) => Tensor;

/** The parts of a linear layer's call beside weight and adapter. */
export interface LoraLinearParts {
  readonly bias?: Vector | undefined;
  /** Given if the adapter serves some tokens only; not allowed while a tape records. */
  readonly loraRows?: RowFactors | undefined;
  /** The seed of the dropout mask; given while training with dropout. */
  readonly mask?: DropoutSeed | undefined;
  /**
   * `[tokens, out]` that the output is added to and that is returned; not allowed while a tape
   * records.
   */
  readonly into?: Tensor | undefined;
}

/** The tensors of a forward pass that its backward pass needs. */
interface Forward {
  /** The adapter's input `[tokens, in]`, after dropout. */
  readonly input: Tensor;
  /** `scale * A x'`, `[tokens, r]`. */
  readonly h: Tensor;
  readonly mask: DropoutSeed | undefined;
  /** `W x' + scale * B A x'` `[tokens, out]`; given with DoRA's magnitudes. */
  readonly u?: Tensor;
  readonly gains?: Gains;
}

/**
 * A linear layer with its adapter: `[tokens, in]` to `[tokens, out]`. Weight and bias are frozen.
 */
export function loraLinear(
  device: Device,
  x: Tensor,
  weight: Weight,
  lora: Lora,
  parts: LoraLinearParts,
): Tensor {
  const { a, b, dora } = lora;
  if (parts.into && lora.fixed) {
    // the same order of sums as while a tape records: first the parts of the layer
    const { into, ...rest } = parts;
    const part = loraLinear(device, x, weight, lora, rest);
    addInto(device, into, part);
    device.release(part);
    return into;
  }
  const { output, forward } = runForward(device, x, weight, { lora, parts });
  const { h, input, mask, u, gains } = forward;
  const computedGains = gains && !dora?.gains
    ? [gains.gains, gains.inverse!]
    : [];
  const saved = [
    h,
    ...(mask ? [input] : []),
    ...(u ? [u] : []),
    ...computedGains,
  ];
  if (!isRecording()) { for (const tensor of saved) device.release(tensor); }
  const wantsDx = isTracked(x);
  const backward = (dy: Tensor, into: Tensor | undefined, x: Tensor) => {
    // x may lie in another buffer than in the forward pass
    const current = mask ? forward : { ...forward, input: x };
    const dz = gains ? scaleColumns(device, dy, gains.gains) : dy;
    if (dora?.m.parameter) {
      addMagnitudeSlopes(device, dora.m.parameter, forward, dy);
    }
    const dLow = halvesBackward(device, lora, current, dz);
    const dx = wantsDx
      ? inputSlopes(device, { weight, lora, forward, dy, dz, dLow, into })
      : undefined;
    device.release(dLow);
    if (dz !== dy) device.release(dz);
    return [dx];
  };
  return record({
    output,
    inputs: [x],
    reads: a.parameter && !mask ? [x] : [],
    trains: [a, b, dora?.m].some((part) => part?.parameter),
    saved,
    backward: (dy, [into], [x]) => backward(dy, into, x!),
  });
}

function runForward(
  device: Device,
  x: Tensor,
  weight: Weight,
  { lora, parts: { bias, loraRows, mask: drawn, into } }: {
    lora: Lora;
    parts: LoraLinearParts;
  },
): { output: Tensor; forward: Forward } {
  const { a, b, dora, fixed } = lora;
  const mask = lora.dropout > 0 ? drawn : undefined;
  const input = mask ? dropout(device, x, { rate: lora.dropout, ...mask }) : x;
  const factor = loraRows ? loraRows(lora.scale) : lora.scale;
  const h = lowRank(device, input, a.matrix, factor);
  const more = { x: h, w: b.matrix };
  const plus = { bias: bias?.tensor, into };
  if (!dora) {
    const output = linear(device, x, weight.matrix, { ...plus, more });
    if (fixed) addFixed(device, fixed, { x, into: output, loraRows });
    return { output, forward: { input, h, mask } };
  }
  const gains = doraGains(device, weight, lora, dora);
  const u = linear(device, input, weight.matrix, { more });
  const forward = { input, h, mask, u, gains };
  if (!mask) {
    const rows = loraRows?.(1);
    const output = scaleColumns(device, u, gains.gains, { ...plus, rows });
    return { output, forward };
  }
  const plain = linear(device, x, weight.matrix, { ...plus, more });
  const output = scaleColumns(device, u, gains.gains, {
    offset: -1,
    into: plain,
  });
  return { output, forward };
}

function addFixed(
  device: Device,
  { a, b, scale }: LowRankPair,
  { x, into, loraRows }: {
    x: Tensor;
    into: Tensor;
    loraRows: RowFactors | undefined;
  },
): void {
  const factor = loraRows ? loraRows(scale) : scale;
  const h = lowRank(device, x, a.matrix, factor);
  linear(device, h, b.matrix, { into });
  device.release(h);
}

/**
 * Accumulates the gradients of `a` and `b`.
 *
 * @returns the gradient of `A x'`, `[tokens, r]`, which the caller releases
 */
function halvesBackward(
  device: Device,
  { a, b, scale }: Lora,
  { input, h }: Forward,
  dz: Tensor,
): Tensor {
  if (b.parameter) linearDw(device, dz, h, { into: b.parameter.gradient });
  const dLow = linearDx(device, dz, b.matrix, { factor: scale });
  if (a.parameter) {
    linearDw(device, dLow, input, { into: a.parameter.gradient });
  }
  return dLow;
}

/**
 * Accumulates the gradient of the magnitudes: `dm[i] += sum over t of dy[t, i] u[t, i] / norm[i]`.
 */
function addMagnitudeSlopes(
  device: Device,
  { gradient }: Parameter,
  { u, gains }: Forward,
  dy: Tensor,
): void {
  const products = multiply(device, dy, u!);
  const sums = columnSums(device, products);
  const row = { shape: [1, sums.shape[0]!] };
  scaleColumns(device, { ...sums, ...row }, gains!.inverse!, {
    into: { ...gradient, ...row },
  });
  device.release(products);
  device.release(sums);
}

/**
 * The gradient of the layer's input through weight and adapter. Without dropout one product
 * computes both.
 */
function inputSlopes(
  device: Device,
  { weight, lora, forward: { mask, gains }, dy, dz, dLow, into }: {
    readonly weight: Weight;
    readonly lora: Lora;
    readonly forward: Forward;
    readonly dy: Tensor;
    /** `dy` times the gains; `dy` itself without magnitudes. */
    readonly dz: Tensor;
    readonly dLow: Tensor;
    readonly into: Tensor | undefined;
  },
): Tensor {
  const more = { x: dLow, w: lora.a.matrix };
  const dx = mask
    ? linearDx(device, dy, weight.matrix, { into })
    : linearDx(device, dz, weight.matrix, { into, more });
  if (mask) {
    const dInput = gains
      ? throughFactors(device, weight, { dy, gains, more })
      : linearDx(device, dLow, lora.a.matrix);
    const dropped = dropout(device, dInput, { rate: lora.dropout, ...mask });
    addInto(device, dx, dropped);
    device.release(dInput);
    device.release(dropped);
  }
  if (lora.fixed) {
    const { a, b, scale } = lora.fixed;
    const low = linearDx(device, dy, b.matrix, { factor: scale });
    linearDx(device, low, a.matrix, { into: dx });
    device.release(low);
  }
  return dx;
}

/**
 * The gradient of x' under DoRA with dropout, where y depends on x' by (g - 1) u and by the
 * adapter.
 */
function throughFactors(
  device: Device,
  weight: Weight,
  { dy, gains, more }: {
    dy: Tensor;
    gains: Gains;
    more: { x: Tensor; w: Weight["matrix"] };
  },
): Tensor {
  const du = scaleColumns(device, dy, gains.gains, { offset: -1 });
  const dInput = linearDx(device, du, weight.matrix, { more });
  device.release(du);
  return dInput;
}

/**
 * Computes the gains from the adapter's current values. The norms count as constants in the
 * backward pass, as in Sec. 4.3 of the paper.
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
