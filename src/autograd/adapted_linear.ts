/**
 * A linear layer with its adapter, forward and backward: one of the ops. The adapter's part rides
 * along with the product of the weight. Knows no names of models.
 *
 * With magnitudes and u = W x' + scale * B A x', x' being x after dropout: y = W x + scale * B A x'
 * + bias + (g - 1) u, which without dropout is g u + bias. That is what PEFT computes.
 */
import { columnSums } from "../../kernels/launch/column_sums.ts";
import type { Device } from "../../kernels/device/device.ts";
import { dropout } from "../../kernels/rows/dropout.ts";
import { addInto, multiply } from "../../kernels/rows/elementwise.ts";
import { linear, linearDw, linearDx } from "../../kernels/matmul/linear.ts";
import { lowRank } from "../../kernels/few_rows/low_rank.ts";
import { scaleColumns } from "../../kernels/rows/scale_columns.ts";
import type { Tensor } from "../../kernels/device/tensor.ts";
import {
  doraGains,
  type DropoutSeed,
  type Gains,
  type Lora,
  type LowRankPair,
} from "./lora.ts";
import type { LinearParts, RowFactors } from "./op_inputs.ts";
import type { Parameter, Weight } from "./parameter.ts";
import { isRecording, isTracked, record } from "./tape.ts";

/** What the backward pass needs of a forward pass. */
interface Forward {
  /** The adapter's input `[tokens, in]`, after dropout. */
  readonly input: Tensor;
  /** `scale * A x'`, `[tokens, r]`. */
  readonly h: Tensor;
  readonly mask: DropoutSeed | undefined;
  /** `[tokens, out]`, see above; given with magnitudes. */
  readonly u?: Tensor;
  readonly gains?: Gains;
}

/**
 * `x Wᵀ + bias` with the adapter's part: `[tokens, in]` to `[tokens, out]`. Weight and bias are
 * frozen.
 */
export function adaptedLinear(
  device: Device,
  x: Tensor,
  weight: Weight,
  lora: Lora,
  parts: Omit<LinearParts, "lora">,
): Tensor {
  const { a, b, dora } = lora;
  if (parts.into && lora.fixed) {
    // in the order of sums of a pass that records: the parts of the layer first
    const { into, ...rest } = parts;
    const part = adaptedLinear(device, x, weight, lora, rest);
    addInto(device, into, part);
    device.release(part);
    return into;
  }
  const { output, forward } = run(device, x, weight, { lora, parts });
  const { h, input, mask, u, gains } = forward;
  const ownGains = gains && !dora?.gains ? [gains.gains, gains.inverse!] : [];
  const saved = [h, ...(mask ? [input] : []), ...(u ? [u] : []), ...ownGains];
  if (!isRecording()) { for (const tensor of saved) device.release(tensor); }
  const wantsDx = isTracked(x);
  const backward = (dy: Tensor, into: Tensor | undefined, x: Tensor) => {
    // x may lie elsewhere by now
    const held = mask ? forward : { ...forward, input: x };
    const dz = gains ? scaleColumns(device, dy, gains.gains) : dy;
    if (dora?.m.parameter) {
      addMagnitudeSlopes(device, dora.m.parameter, forward, dy);
    }
    const dLow = halvesBackward(device, lora, held, dz);
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

function run(
  device: Device,
  x: Tensor,
  weight: Weight,
  { lora, parts: { bias, loraRows, mask: drawn, into } }: {
    lora: Lora;
    parts: Omit<LinearParts, "lora">;
  },
): { output: Tensor; forward: Forward } {
  const { a, b, dora, fixed } = lora;
  const mask = lora.dropout > 0 ? drawn : undefined;
  const input = mask ? dropout(device, x, { rate: lora.dropout, ...mask }) : x;
  const factor = loraRows ? loraRows(lora.scale) : lora.scale;
  const h = lowRank(device, input, a.matrix, factor);
  const more = { x: h, w: b.matrix };
  const plus = {
    ...(bias ? { bias: bias.tensor } : {}),
    ...(into ? { into } : {}),
  };
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
 * Accumulates the gradients of `a` and `b`; returns that of `A x'`, `[tokens, r]`, which the caller
 * releases.
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

/** `dm[i] += sum over tokens of dy[t, i] u[t, i] / norm[i]`. */
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

/** The gradient of a layer's input through weight and adapter; without dropout in one pass. */
function inputSlopes(
  device: Device,
  { weight, lora, forward: { mask, gains }, dy, dz, dLow, into }: {
    readonly weight: Weight;
    readonly lora: Lora;
    readonly forward: Forward;
    readonly dy: Tensor;
    /** `dy` times the layer's factors. */
    readonly dz: Tensor;
    readonly dLow: Tensor;
    readonly into: Tensor | undefined;
  },
): Tensor {
  const add = into ? { into } : {};
  const more = { x: dLow, w: lora.a.matrix };
  const dx = mask
    ? linearDx(device, dy, weight.matrix, add)
    : linearDx(device, dz, weight.matrix, { ...add, more });
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

/** What flows to x' where only the factors' change and the adapter see it. */
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
