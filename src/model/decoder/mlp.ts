/**
 * The feed-forward part of a block: one gated unit, or experts of which a router chooses some for
 * each token. Knows no attention and no norm.
 */
import type { Device } from "../../../kernels/device/device.ts";
import type { Slots } from "../../../kernels/experts/route.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import type { DropoutSeed, Lora } from "../../autograd/lora.ts";
import * as ops from "../../autograd/ops.ts";
import type { ModelConfig } from "../config/config.ts";
import type { Adapters } from "./decoder_pass.ts";
import type { Experts, GatedUnit, Layer, Linear } from "./model.ts";

/** Applies a linear layer to the tokens at hand; see `LinearParts` for `into`. */
export type Apply = (x: Tensor, linear: Linear, into?: Tensor) => Tensor;

/** Which adapters serve the tokens at hand, and the dropout that each layer draws. */
export interface Served {
  readonly adapters: Adapters;
  readonly draw: () => DropoutSeed | undefined;
  /** Whether layers of one input may run in one launch: nobody goes back through them. */
  readonly together: boolean;
}

/** What the feed-forward part of a block is given beside its input. */
export interface MlpPass extends Served {
  readonly device: Device;
  readonly config: ModelConfig;
  readonly linear: Apply;
}

/** Linear layers with the adapters that serve the tokens at hand. */
export function bindLinear(
  device: Device,
  { adapters, draw }: Served,
): Apply {
  return (x, layer, into) => {
    const { weight, ...parts } = servedLayer(layer, adapters);
    return ops.linear(device, x, weight, { ...parts, into, mask: draw() });
  };
}

/** A linear layer with its adapter, if that serves the tokens at hand. */
export function servedLayer(
  { weight, bias, lora }: Linear,
  adapters: Adapters,
) {
  return {
    weight,
    bias,
    lora: adapters ? lora : undefined,
    loraRows: typeof adapters === "boolean" ? undefined : adapters,
  };
}

/** `[tokens, hidden_size]` to the same; `into`, if given, is added to it and may be overwritten. */
export function runMlp(
  pass: MlpPass,
  mlp: Layer["mlp"],
  x: Tensor,
  into?: Tensor,
): Tensor {
  if (!("experts" in mlp)) return runUnit(pass, mlp, x, into);
  const sum = runExperts(pass, mlp, x);
  return into ? ops.add(pass.device, into, sum) : sum;
}

function runUnit(
  pass: MlpPass,
  unit: GatedUnit,
  x: Tensor,
  into?: Tensor,
): Tensor {
  const made = unitTogether(pass, unit, x) ?? unitInTurn(pass, unit, x);
  return pass.linear(made, unit.down_proj, into);
}

function unitTogether(
  { device, config, adapters, together }: MlpPass,
  { gate_proj, up_proj }: GatedUnit,
  x: Tensor,
): Tensor | undefined {
  if (!together || !gate_proj || !up_proj) return undefined;
  const [gate, up] = [gate_proj, up_proj].map((layer) =>
    servedLayer(layer, adapters)
  );
  return ops.gatedLinears(device, x, [gate!, up!], config.activation);
}

function unitInTurn(
  { device, config, linear }: MlpPass,
  { gate_proj, up_proj, gate_up_proj, down_proj }: GatedUnit,
  x: Tensor,
): Tensor {
  const size = down_proj.weight.matrix.cols;
  const fused = gate_up_proj && linear(x, gate_up_proj);
  const gate = fused
    ? ops.columns(device, fused, [0, size])
    : linear(x, gate_proj!);
  const up = fused
    ? ops.columns(device, fused, [size, size])
    : linear(x, up_proj!);
  return ops.gatedUnit(device, gate, up, config.activation);
}

/** Source: https://arxiv.org/abs/2101.03961, Section 2.1, with more experts than one. */
function runExperts(pass: MlpPass, mlp: Experts, x: Tensor): Tensor {
  const { device, config, linear } = pass;
  const { num_experts_per_tok: k, norm_topk_prob: normalize } = config.experts!;
  const logits = linear(x, mlp.gate);
  const { gates, slots } = ops.route(device, logits, { k, normalize });
  const project = (x: Tensor, of: (unit: GatedUnit) => Linear) =>
    projectSlots(pass, mlp.experts.map(of), { x, slots });
  const rows = ops.takeSlots(device, x, slots);
  const gate = project(rows, ({ gate_proj }) => gate_proj!);
  const up = project(rows, ({ up_proj }) => up_proj!);
  const unit = ops.gatedUnit(device, gate, up, config.activation);
  const made = project(unit, ({ down_proj }) => down_proj);
  const sum = ops.combineSlots(device, made, slots.slots, gates);
  const { shared_expert, shared_expert_gate } = mlp;
  if (!shared_expert || !shared_expert_gate) return sum;
  const share = sigmoid(device, linear(x, shared_expert_gate));
  const shared = runUnit(pass, shared_expert, x);
  const [tokens] = x.shape as [number];
  const inTurn = device.upload(
    Uint32Array.from({ length: tokens }, (_, i) => i),
    [tokens, 1],
    "u32",
  );
  const taken = ops.combineSlots(device, shared, inTurn, share);
  return ops.add(device, sum, taken);
}

function sigmoid(device: Device, x: Tensor): Tensor {
  const ones = device.upload(
    new Float32Array(x.shape[0]!).fill(1),
    x.shape,
  );
  return ops.gatedUnit(device, x, ones, "sigmoid");
}

function projectSlots(
  { device, adapters, draw }: MlpPass,
  linears: readonly Linear[],
  { x, slots }: { readonly x: Tensor; readonly slots: Slots },
): Tensor {
  const loras = adapters ? lorasOf(linears) : undefined;
  const isListed = loras && typeof adapters !== "boolean";
  return ops.expertLinear(device, x, slots, {
    weights: linears.map(({ weight }) => weight),
    loras,
    loraFactors: isListed
      ? ops.slotFactors(device, adapters(loras[0]!.scale), slots)
      : undefined,
    mask: draw(),
  });
}

/**
 * The adapters of one projection of all experts.
 *
 * @throws {TypeError} if only some have one, they are not alike, or more than two plain halves
 */
function lorasOf(linears: readonly Linear[]): Lora[] | undefined {
  const found = linears.flatMap(({ lora }) => lora ? [lora] : []);
  const [first] = found;
  if (!first) return undefined;
  if (found.some(({ dora, fixed }) => dora || fixed)) {
    throw new TypeError(
      `Cannot adapt experts: the adapter of "${first.a.name}" has magnitudes (DoRA) or a part that stands fixed (PiSSA, another adapter), expected plain halves; leave the experts out with lora_exclude_modules`,
    );
  }
  const alike = found.every(({ a, scale, dropout }) =>
    a.matrix.rows === first.a.matrix.rows && scale === first.scale &&
    dropout === first.dropout
  );
  if (alike && found.length === linears.length) return found;
  throw new TypeError(
    `Cannot adapt experts: ${found.length} of ${linears.length} have an adapter like that of "${first.a.name}", expected all, of one rank and scale`,
  );
}
