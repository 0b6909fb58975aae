/**
 * Low-rank adapters of a frozen weight: `y = W x + scale * B (A x)`. Knows no names of models and no files.
 *
 * Source: https://arxiv.org/abs/2106.09685, Eq. 3.
 */
import type { Device } from "../../kernels/device.ts";
import { dropout } from "../../kernels/dropout.ts";
import { addInto, scale as scaled } from "../../kernels/elementwise.ts";
import { linearDw, linearDx } from "../../kernels/linear.ts";
import { lowRank } from "../../kernels/low_rank.ts";
import type { Tensor } from "../../kernels/tensor.ts";
import type { RowFactors } from "./op_inputs.ts";
import type { Weight } from "./parameter.ts";

/** An adapter: `a` `[r, in]`, `b` `[out, r]`, `scale` = lora_alpha / r. */
export interface Lora {
  readonly a: Weight;
  readonly b: Weight;
  readonly scale: number;
  /** Share of the inputs of `a` that training drops, 0 to 1. */
  readonly dropout: number;
}

/** Which mask dropout draws: the same for forward, recompute and backward of one step. */
export interface DropoutSeed {
  readonly seed: number;
  readonly stream: number;
}

/** What the backward pass needs of a forward pass. */
export interface LoraForward {
  /** The adapter's input `[tokens, in]`, after dropout. */
  readonly x: Tensor;
  /** `scale * A x`, `[tokens, r]`; the adapter's part is `B h`. */
  readonly h: Tensor;
  readonly mask: DropoutSeed | undefined;
}

/** The lower half of an adapter. What is left, `B h`, is cheapest in one pass with the weight it adapts. */
export function loraForward(
  device: Device,
  lora: Lora,
  x: Tensor,
  { mask, rows }: {
    mask: DropoutSeed | undefined;
    rows: RowFactors | undefined;
  },
): LoraForward {
  const input = mask ? dropout(device, x, { rate: lora.dropout, ...mask }) : x;
  const factor = rows ? rows(lora.scale) : lora.scale;
  const h = lowRank(device, input, lora.a.matrix, factor);
  return { x: input, h, mask };
}

/**
 * Accumulates the gradients of `a` and `b`.
 *
 * @returns the gradient of `A x`, `[tokens, r]`; the caller releases it after `loraDx()`
 */
export function loraBackward(
  device: Device,
  { a, b, scale }: Lora,
  { x, h }: LoraForward,
  dy: Tensor,
): Tensor {
  if (b.parameter) linearDw(device, dy, h, { into: b.parameter.gradient });
  const dh = linearDx(device, dy, b.matrix);
  const dLow = scaled(device, dh, scale);
  device.release(dh);
  if (a.parameter) linearDw(device, dLow, x, { into: a.parameter.gradient });
  return dLow;
}

/** The gradient of a layer's input through weight and adapter; without dropout in one pass. */
export function loraDx(
  device: Device,
  { a, dropout: rate }: Lora,
  { weight, dy, dLow, mask, into }: {
    readonly weight: Weight;
    readonly dy: Tensor;
    readonly dLow: Tensor;
    readonly mask: DropoutSeed | undefined;
    readonly into: Tensor | undefined;
  },
): Tensor {
  const add = into ? { into } : {};
  if (!mask) {
    const more = { x: dLow, w: a.matrix };
    return linearDx(device, dy, weight.matrix, { ...add, more });
  }
  const dx = linearDx(device, dy, weight.matrix, add);
  const dInput = linearDx(device, dLow, a.matrix);
  const dropped = dropout(device, dInput, { rate, ...mask });
  addInto(device, dx, dropped);
  device.release(dInput);
  device.release(dropped);
  return dx;
}
