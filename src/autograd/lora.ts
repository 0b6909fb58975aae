/**
 * Low-rank adapters of a frozen weight: `y = W x + scale * B (A x)`. Knows no names of models and no files.
 *
 * Source: https://arxiv.org/abs/2106.09685, Eq. 3.
 */
import type { Device } from "../../kernels/device.ts";
import { dropout } from "../../kernels/dropout.ts";
import { addInto, scale as scaled } from "../../kernels/elementwise.ts";
import { linear, linearDw, linearDx } from "../../kernels/linear.ts";
import type { Tensor } from "../../kernels/tensor.ts";
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
  /** `scale * A x`, `[tokens, r]`. */
  readonly h: Tensor;
  readonly mask: DropoutSeed | undefined;
}

/** Adds the adapter's part to `y` `[tokens, out]` in place. */
export function loraInto(
  device: Device,
  lora: Lora,
  x: Tensor,
  y: Tensor,
  mask: DropoutSeed | undefined,
): LoraForward {
  const input = mask ? dropout(device, x, { rate: lora.dropout, ...mask }) : x;
  const low = linear(device, input, lora.a.matrix);
  const h = scaled(device, low, lora.scale);
  device.release(low);
  linear(device, h, lora.b.matrix, { into: y });
  return { x: input, h, mask };
}

/** Accumulates the gradients of `a` and `b`, and adds the adapter's part to `dx` if it is given. */
export function loraBackward(
  device: Device,
  lora: Lora,
  { x, h, mask }: LoraForward,
  dy: Tensor,
  dx: Tensor | undefined,
): void {
  const { a, b } = lora;
  if (b.parameter) linearDw(device, dy, h, { into: b.parameter.gradient });
  const dh = linearDx(device, dy, b.matrix);
  const dLow = scaled(device, dh, lora.scale);
  device.release(dh);
  if (a.parameter) linearDw(device, dLow, x, { into: a.parameter.gradient });
  if (dx && !mask) linearDx(device, dLow, a.matrix, { into: dx });
  if (dx && mask) {
    const dInput = linearDx(device, dLow, a.matrix);
    const dropped = dropout(device, dInput, { rate: lora.dropout, ...mask });
    addInto(device, dx, dropped);
    device.release(dInput);
    device.release(dropped);
  }
  device.release(dLow);
}
