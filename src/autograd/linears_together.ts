/**
 * Runs several linear layers of one input in one launch, if the device has a kernel for it. The
 * numbers are the same as those of one layer after another. Not differentiable: only for passes
 * that no tape records. Knows no names of models.
 */
import type { Device } from "../../kernels/device/device.ts";
import type { Activation } from "../../kernels/rows/gated_unit.ts";
import { lowRanks } from "../../kernels/few_rows/low_rank.ts";
import {
  canGoTogether,
  gatedProducts,
  productsTogether,
  type WeightPart,
} from "../../kernels/few_rows/together.ts";
import type { Tensor } from "../../kernels/device/tensor.ts";
import type { Lora } from "./lora.ts";
import type { LinearParts } from "./op_inputs.ts";
import type { Weight } from "./parameter.ts";

/** One of several linear layers that have the same input. */
export interface TogetherLayer
  extends Pick<LinearParts, "bias" | "lora" | "loraRows"> {
  readonly weight: Weight;
}

/**
 * `x Wᵀ + bias` with the adapter's part for each layer: `[tokens, out]`. Undefined if the layers
 * must run one by one.
 */
export function linearsTogether(
  device: Device,
  x: Tensor,
  layers: readonly TogetherLayer[],
): Tensor[] | undefined {
  return withParts(
    device,
    x,
    layers,
    (parts) => productsTogether(device, x, parts),
  );
}

/** `activation(gate) * up`, `[tokens, out]`. Undefined if gate and up must run one by one. */
export function gatedLinears(
  device: Device,
  x: Tensor,
  layers: readonly [gate: TogetherLayer, up: TogetherLayer],
  activation: Activation,
): Tensor | undefined {
  return withParts(
    device,
    x,
    layers,
    ([gate, up]) => gatedProducts(device, x, [gate!, up!], activation),
  );
}

/** Runs layers in one launch by `run`; undefined if they cannot share one. */
function withParts<T>(
  device: Device,
  x: Tensor,
  layers: readonly TogetherLayer[],
  run: (parts: readonly WeightPart[]) => T,
): T | undefined {
  const isPlain = layers.every(({ lora }) =>
    !lora || !lora.dora && !lora.fixed && lora.b.matrix.windows.length === 1
  );
  const weights = layers.map(({ weight }) => weight.matrix);
  if (!isPlain || !canGoTogether(device, x, weights)) return undefined;
  const adapterInputs = lowRankInputs(device, x, layers);
  const parts = layers.map(({ weight, bias, lora }): WeightPart => {
    const low = lora && adapterInputs.get(lora);
    return {
      w: weight.matrix,
      bias: bias?.tensor,
      more: low && { x: low, w: lora.b.matrix },
    };
  });
  const output = run(parts);
  for (const low of adapterInputs.values()) device.release(low);
  return output;
}

/** `scale * A x` of each adapter. Adapters of the same scale share a launch. */
function lowRankInputs(
  device: Device,
  x: Tensor,
  layers: readonly TogetherLayer[],
): Map<Lora, Tensor> {
  const adapted = layers.flatMap(({ lora, loraRows }) =>
    lora ? [{ lora, loraRows }] : []
  );
  const inputs = new Map<Lora, Tensor>();
  for (const alike of Map.groupBy(adapted, ({ lora }) => lora.scale).values()) {
    const [{ lora: { scale }, loraRows }] = alike as [typeof alike[0]];
    const made = lowRanks(
      device,
      x,
      alike.map(({ lora }) => lora.a.matrix),
      loraRows ? loraRows(scale) : scale,
    );
    for (const [i, { lora }] of alike.entries()) inputs.set(lora, made[i]!);
  }
  return inputs;
}
