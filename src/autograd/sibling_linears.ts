/**
 * Several linear layers of one input in one launch, where nobody goes back through them and the
 * device has a kernel for it; the numbers are those of one layer after another. Not differentiable.
 * Knows no names of models.
 */
import type { Device } from "../../kernels/device/device.ts";
import type { Activation } from "../../kernels/rows/gated_unit.ts";
import { lowRanks } from "../../kernels/few_rows/low_rank.ts";
import {
  areSiblings,
  gatedProducts,
  type Sibling,
  siblingProducts,
} from "../../kernels/few_rows/sibling_products.ts";
import type { Tensor } from "../../kernels/device/tensor.ts";
import type { Lora } from "./lora.ts";
import type { LinearParts } from "./op_inputs.ts";
import type { Weight } from "./parameter.ts";

/** A layer of several for one input. */
export interface SiblingLayer
  extends Pick<LinearParts, "bias" | "lora" | "loraRows"> {
  readonly weight: Weight;
}

/**
 * `x Wᵀ + bias` with the adapter's part, of each layer: `[tokens, out]`; undefined if they must run
 * one by one.
 */
export function siblingLinears(
  device: Device,
  x: Tensor,
  layers: readonly SiblingLayer[],
): Tensor[] | undefined {
  return together(
    device,
    x,
    layers,
    (siblings) => siblingProducts(device, x, siblings),
  );
}

/** `activation(gate) * up`, `[tokens, out]`; undefined if gate and up must run one by one. */
export function gatedLinears(
  device: Device,
  x: Tensor,
  layers: readonly [gate: SiblingLayer, up: SiblingLayer],
  activation: Activation,
): Tensor | undefined {
  return together(
    device,
    x,
    layers,
    ([gate, up]) => gatedProducts(device, x, [gate!, up!], activation),
  );
}

function together<T>(
  device: Device,
  x: Tensor,
  layers: readonly SiblingLayer[],
  run: (siblings: readonly Sibling[]) => T,
): T | undefined {
  const isPlain = layers.every(({ lora }) =>
    !lora || !lora.dora && !lora.fixed && lora.b.matrix.windows.length === 1
  );
  const weights = layers.map(({ weight }) => weight.matrix);
  if (!isPlain || !areSiblings(device, x, weights)) return undefined;
  const lows = lowParts(device, x, layers);
  const siblings = layers.map(({ weight, bias, lora }): Sibling => {
    const low = lora && lows.get(lora);
    return {
      w: weight.matrix,
      bias: bias?.tensor,
      more: low && { x: low, w: lora.b.matrix },
    };
  });
  const output = run(siblings);
  for (const low of lows.values()) device.release(low);
  return output;
}

/** `scale * A x` of each adapter: those of one scale share a launch. */
function lowParts(
  device: Device,
  x: Tensor,
  layers: readonly SiblingLayer[],
): Map<Lora, Tensor> {
  const adapted = layers.flatMap(({ lora, loraRows }) =>
    lora ? [{ lora, loraRows }] : []
  );
  const lows = new Map<Lora, Tensor>();
  for (const alike of Map.groupBy(adapted, ({ lora }) => lora.scale).values()) {
    const [{ lora: { scale }, loraRows }] = alike as [typeof alike[0]];
    const made = lowRanks(
      device,
      x,
      alike.map(({ lora }) => lora.a.matrix),
      loraRows ? loraRows(scale) : scale,
    );
    for (const [i, { lora }] of alike.entries()) lows.set(lora, made[i]!);
  }
  return lows;
}
