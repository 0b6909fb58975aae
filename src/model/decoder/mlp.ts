/**
 * The MLP (feed-forward part) of a block: one gated unit, or experts of which a router chooses some
 * for each token. Knows no attention and no residual stream.
 */
import type { Device } from "../../../kernels/device/device.ts";
import type { ExpertSlots } from "../../../kernels/experts/route.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import type { Lora } from "../../autograd/lora.ts";
import * as ops from "../../autograd/ops.ts";
import { applyLinear, type Block, servedLayer } from "./block.ts";
import type { Experts, GatedUnit, Linear } from "./model.ts";

/**
 * The MLP of a block: `[queries, hidden_size]` to `[queries, hidden_size]`.
 *
 * @param into `[queries, hidden_size]` that the result is added to; it may be overwritten
 */
export function runMlp(block: Block, x: Tensor, into?: Tensor): Tensor {
  const { mlp } = block.layer;
  if (!("experts" in mlp)) return runUnit(block, mlp, x, into);
  const sum = runExperts(block, mlp, x);
  return into ? ops.add(block.device, into, sum) : sum;
}

/** `down_proj(activation(gate) * up)`. Source: https://arxiv.org/abs/2002.05202, Eq. 6. */
function runUnit(
  block: Block,
  unit: GatedUnit,
  x: Tensor,
  into?: Tensor,
): Tensor {
  const hidden = block.config.family.hasGate === false
    ? ungated(block, unit, x)
    : gatedInOneLaunch(block, unit, x) ?? gated(block, unit, x);
  return applyLinear(block, hidden, unit.down_proj, { into });
}

/** `activation(up)`, in families without a gate. */
function ungated(
  block: Block,
  { up_proj, act_fn }: GatedUnit,
  x: Tensor,
): Tensor {
  const { device, config } = block;
  const up = applyLinear(block, x, up_proj!);
  return act_fn
    ? ops.xielu(device, up, act_fn)
    : ops.activate(device, up, gateOf(config));
}

/** The activation of a gate, which none of its own numbers train. */
function gateOf({ activation }: Block["config"]) {
  if (activation !== "xielu") return activation;
  throw new TypeError("Cannot gate by xIELU: expected an MLP without a gate");
}

/** `activation(gate) * up` in one launch; undefined if the layers must run one by one. */
function gatedInOneLaunch(
  { device, config, queries: { adapters }, sharesLaunches }: Block,
  { gate_proj, up_proj }: GatedUnit,
  x: Tensor,
): Tensor | undefined {
  if (!sharesLaunches || !gate_proj || !up_proj) return undefined;
  const layers = [
    servedLayer(gate_proj, adapters),
    servedLayer(up_proj, adapters),
  ] as const;
  return ops.gatedLinears(device, x, layers, gateOf(config));
}

/** `activation(gate) * up`, layer by layer. */
function gated(
  block: Block,
  { gate_proj, up_proj, gate_up_proj, down_proj }: GatedUnit,
  x: Tensor,
): Tensor {
  const { device, config } = block;
  const size = down_proj.weight.matrix.cols;
  const fused = gate_up_proj && applyLinear(block, x, gate_up_proj);
  const gate = fused
    ? ops.columns(device, fused, [0, size])
    : applyLinear(block, x, gate_proj!);
  const up = fused
    ? ops.columns(device, fused, [size, size])
    : applyLinear(block, x, up_proj!);
  return ops.gatedUnit(device, gate, up, gateOf(config));
}

/**
 * Routes each token to some experts and sums their outputs by its gates, plus the shared expert.
 * Source: https://arxiv.org/abs/2101.03961, Section 2.1, with more than one expert per token.
 */
function runExperts(block: Block, mlp: Experts, x: Tensor): Tensor {
  const { device, config } = block;
  const { num_experts_per_tok: k, norm_topk_prob: normalize } = config.experts!;
  const logits = applyLinear(block, x, mlp.gate);
  const { gates, slots } = ops.route(
    device,
    logits,
    { k, normalize },
    block.pass.balanceOf(block.index),
  );
  const project = (x: Tensor, of: (unit: GatedUnit) => Linear) =>
    projectSlots(block, mlp.experts.map(of), { x, slots });
  const rows = ops.takeSlots(device, x, slots);
  const gate = project(rows, ({ gate_proj }) => gate_proj!);
  const up = project(rows, ({ up_proj }) => up_proj!);
  const hidden = ops.gatedUnit(device, gate, up, gateOf(config));
  const output = project(hidden, ({ down_proj }) => down_proj);
  const sum = ops.combineSlots(device, output, slots.slots, gates);
  const { shared_expert, shared_expert_gate } = mlp;
  if (!shared_expert || !shared_expert_gate) return sum;
  const share = sigmoid(device, applyLinear(block, x, shared_expert_gate));
  const shared = runUnit(block, shared_expert, x);
  const [tokens] = x.shape as [number];
  const ownRows = device.upload(
    Uint32Array.from({ length: tokens }, (_, i) => i),
    [tokens, 1],
    "u32",
  );
  const weighted = ops.combineSlots(device, shared, ownRows, share);
  return ops.add(device, sum, weighted);
}

/** The sigmoid of `x`, as a gated unit whose other factor is 1. */
function sigmoid(device: Device, x: Tensor): Tensor {
  const ones = device.upload(
    new Float32Array(x.shape[0]!).fill(1),
    x.shape,
  );
  return ops.gatedUnit(device, x, ones, "sigmoid");
}

/** One projection of all experts: each slot's row by the layer of its expert. */
function projectSlots(
  { device, queries: { adapters }, nextDropout }: Block,
  linears: readonly Linear[],
  { x, slots }: { readonly x: Tensor; readonly slots: ExpertSlots },
): Tensor {
  const loras = adapters ? lorasOf(linears) : undefined;
  const servesSome = loras && typeof adapters !== "boolean";
  return ops.expertLinear(device, x, slots, {
    weights: linears.map(({ weight }) => weight),
    loras,
    loraFactors: servesSome
      ? ops.slotFactors(device, adapters(loras[0]!.scale), slots)
      : undefined,
    mask: nextDropout(),
  });
}

/**
 * The adapters of one projection of all experts.
 *
 * @throws {TypeError} if only some experts have an adapter, the adapters differ in rank, scale or
 *   dropout, or they are not plain
 */
function lorasOf(linears: readonly Linear[]): Lora[] | undefined {
  const found = linears.flatMap(({ lora }) => lora ? [lora] : []);
  const [first] = found;
  if (!first) return undefined;
  if (found.some(({ dora, fixed }) => dora || fixed)) {
    throw new TypeError(
      `Cannot adapt experts: the adapter of "${first.a.name}" has magnitudes (DoRA) or a fixed product (PiSSA, another adapter), expected a plain one; leave the experts out with lora_exclude_modules`,
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
