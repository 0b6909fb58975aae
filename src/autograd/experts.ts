/**
 * The differentiable ops of a mixture of experts: routing, the products of each expert with its
 * tokens' rows, and their sum weighted by gates. A slot is the row of one token for one of its
 * experts; slots are sorted by expert on the device. Knows no model.
 */
import {
  combineSlots as combined,
  combineSlotsBackward,
} from "../../kernels/experts/combine_slots.ts";
import {
  addBalanceGradient,
  addBalanceSums,
} from "../../kernels/experts/balance.ts";
import type { Device } from "../../kernels/device/device.ts";
import { dropout } from "../../kernels/rows/dropout.ts";
import { addInto, scale as scaled } from "../../kernels/rows/elementwise.ts";
import { gatherRows } from "../../kernels/rows/gather.ts";
import * as grouped from "../../kernels/matmul/grouped_linear.ts";
import * as routes from "../../kernels/experts/route.ts";
import type { ExpertSlots } from "../../kernels/experts/route.ts";
import { scaleRows } from "../../kernels/rows/scale_rows.ts";
import { softmax } from "../../kernels/vocabulary/softmax.ts";
import type { Tensor } from "../../kernels/device/tensor.ts";
import type { DropoutSeed, Lora } from "./lora.ts";
import type { Weight } from "./parameter.ts";
import { isRecording, isTracked, record } from "./tape.ts";

/** The gates of all tokens, and the slots of their rows. */
export interface Routing {
  /** `[tokens, k]` factor of each chosen expert's output */
  readonly gates: Tensor;
  readonly slots: ExpertSlots;
}

/** A loss that balances experts, as one router of a pass takes part in it. */
export interface RouterBalance {
  /** `[tokens]` how often each token counts. */
  readonly weights: Tensor;
  /** `[2, experts]`, see `addBalanceSums()`; of all routers of the pass once it has run. */
  readonly sums: Tensor;
  /** The slope of the step's loss with respect to the product of both rows of `sums`. */
  readonly factor: number;
  /** Whether this router still has to add to `sums`: not where a block is computed again. */
  readonly adds: boolean;
}

/**
 * Chooses the experts of each token by logits `[tokens, experts]`. The gates are the largest
 * probabilities of their softmax. A gradient flows through the gates, and through the probabilities
 * of a loss that balances experts, but not through the choice.
 * Source: https://arxiv.org/abs/1701.06538, Section 2.
 */
export function route(
  device: Device,
  logits: Tensor,
  options: routes.RouteOptions,
  balance?: RouterBalance,
): Routing {
  const { chosen, gates } = routes.route(device, logits, options);
  if (balance?.adds) {
    const probabilities = softmax(device, logits);
    const routed = { probabilities, weights: balance.weights };
    addBalanceSums(device, routed, chosen, balance.sums);
    device.release(probabilities);
  }
  const slots = routes.sortChoices(device, chosen, logits.shape.at(-1)!);
  record({
    output: gates,
    inputs: [logits],
    reads: [logits, gates],
    saved: [chosen],
    backward: (dgates, _into, [logits]) => {
      const choices = { chosen, gates };
      const dlogits = routes.routeBackward(
        device,
        logits!,
        choices,
        dgates,
        options,
      );
      if (balance) {
        const probabilities = softmax(device, logits!);
        const routed = { probabilities, weights: balance.weights };
        addBalanceGradient(device, routed, balance, dlogits);
        device.release(probabilities);
      }
      return [dlogits];
    },
  });
  return { gates, slots };
}

/**
 * Copies each token's row once for each of its experts: `[tokens * k, hidden_size]`, sorted by
 * expert.
 */
export function takeSlots(
  device: Device,
  x: Tensor,
  { tokens, slots }: ExpertSlots,
): Tensor {
  return record({
    output: gatherRows(device, x, tokens),
    inputs: [x],
    reads: [slots],
    backward: (dy) => [combined(device, dy, slots)],
  });
}

/**
 * Sums the outputs of each token's experts, `[tokens * k, hidden_size]`, times their gates:
 * `[tokens, hidden_size]`.
 */
export function combineSlots(
  device: Device,
  x: Tensor,
  slots: Tensor,
  gates: Tensor,
): Tensor {
  return record({
    output: combined(device, x, slots, gates),
    inputs: [x, gates],
    reads: [x, gates, slots],
    backward: (dy, _into, [x, gates]) => {
      const from = { x: x!, slots, gates: gates! };
      const { dx, dgates } = combineSlotsBackward(device, from, dy);
      return [dx, dgates];
    },
  });
}

/** The weights of one projection of all experts. */
export interface ExpertWeights {
  /** One weight per expert, all of one shape. */
  readonly weights: readonly Weight[];
  /** One adapter per expert, all of one rank, scale and dropout; undefined: no adapters. */
  readonly loras?: readonly Lora[] | undefined;
  /** `[tokens * k]` factor of the adapter for each slot; not allowed while a tape records. */
  readonly loraFactors?: Tensor | undefined;
  /** The seed of the dropout mask; given while training with dropout. */
  readonly mask?: DropoutSeed | undefined;
}

/**
 * Multiplies the row of each slot by its expert's weight, adapter included: `[slots, in]` to
 * `[slots, out]`.
 */
export function expertLinear(
  device: Device,
  x: Tensor,
  slots: ExpertSlots,
  { weights, loras, loraFactors, mask }: ExpertWeights,
): Tensor {
  const [first] = loras ?? [];
  const drops = first && first.dropout > 0 ? mask : undefined;
  const input = drops
    ? dropout(device, x, { rate: first!.dropout, ...drops })
    : x;
  const low = loras && lowRows(device, input, slots, { loras, loraFactors });
  const matrices = weights.map(({ matrix }) => matrix);
  const more = low && { x: low, ws: loras.map(({ b }) => b.matrix) };
  const output = grouped.groupedLinear(device, x, matrices, slots, more);
  const saved = low ? [low, ...(drops ? [input] : [])] : [];
  const trains = weights.some(({ parameter }) => parameter);
  const adapts = loras?.some(({ a, b }) => a.parameter ?? b.parameter) ?? false;
  const wantsDx = isTracked(x);
  if (!isRecording()) { for (const tensor of saved) device.release(tensor); }
  return record({
    output,
    inputs: [x],
    reads: [slots.starts, ...(trains || low && !drops ? [x] : [])],
    trains: trains || adapts,
    saved,
    backward: (dy, _into, [x]) => {
      if (trains) addGradients(device, [dy, x!], slots, weights);
      const dLow = low && loras &&
        lowBackward(device, dy, slots, {
          loras,
          low,
          input: drops ? input : x!,
        });
      const dx = wantsDx
        ? expertDx(device, dy, slots, { matrices, loras, dLow, mask: drops })
        : undefined;
      if (dLow) device.release(dLow);
      return [dx];
    },
  });
}

/** `scale * A x` for the row of each slot, `[slots, r]`. */
function lowRows(
  device: Device,
  input: Tensor,
  slots: ExpertSlots,
  { loras, loraFactors }: {
    readonly loras: readonly Lora[];
    readonly loraFactors: Tensor | undefined;
  },
): Tensor {
  const ws = loras.map(({ a }) => a.matrix);
  const low = grouped.groupedLinear(device, input, ws, slots);
  const h = loraFactors
    ? scaleRows(device, low, loraFactors)
    : scaled(device, low, loras[0]!.scale);
  device.release(low);
  return h;
}

/**
 * Accumulates the gradients of the adapters.
 *
 * @returns the gradient of `A x`, `[slots, r]`
 */
function lowBackward(
  device: Device,
  dy: Tensor,
  slots: ExpertSlots,
  { loras, input, low }: {
    readonly loras: readonly Lora[];
    readonly input: Tensor;
    readonly low: Tensor;
  },
): Tensor {
  addGradients(device, [dy, low], slots, loras.map(({ b }) => b));
  const ws = loras.map(({ b }) => b.matrix);
  const dh = grouped.groupedLinearDx(device, dy, ws, slots);
  const dLow = scaled(device, dh, loras[0]!.scale);
  device.release(dh);
  addGradients(device, [dLow, input], slots, loras.map(({ a }) => a));
  return dLow;
}

function expertDx(
  device: Device,
  dy: Tensor,
  slots: ExpertSlots,
  { matrices, loras, dLow, mask }: {
    readonly matrices: readonly Weight["matrix"][];
    readonly loras: readonly Lora[] | undefined;
    readonly dLow: Tensor | undefined;
    readonly mask: DropoutSeed | undefined;
  },
): Tensor {
  if (!loras || !dLow) {
    return grouped.groupedLinearDx(device, dy, matrices, slots);
  }
  const ws = loras.map(({ a }) => a.matrix);
  if (!mask) {
    const more = { x: dLow, ws };
    return grouped.groupedLinearDx(device, dy, matrices, slots, more);
  }
  const dx = grouped.groupedLinearDx(device, dy, matrices, slots);
  const dInput = grouped.groupedLinearDx(device, dLow, ws, slots);
  const rate = loras[0]!.dropout;
  const dropped = dropout(device, dInput, { rate, ...mask });
  addInto(device, dx, dropped);
  device.release(dInput);
  device.release(dropped);
  return dx;
}

function addGradients(
  device: Device,
  rows: readonly [dy: Tensor, x: Tensor],
  slots: ExpertSlots,
  weights: readonly Weight[],
): void {
  const gradients = weights.map(({ parameter }) => parameter?.gradient);
  grouped.groupedLinearDw(device, rows, slots, gradients);
}

/**
 * Copies the factors of tokens `[tokens]` to their slots, `[tokens * k]`; not allowed while a tape
 * records.
 */
export function slotFactors(
  device: Device,
  factors: Tensor,
  { tokens }: ExpertSlots,
): Tensor {
  const column = { ...factors, shape: [factors.shape[0]!, 1] };
  const picked = gatherRows(device, column, tokens);
  return { ...picked, shape: [tokens.shape[0]!] };
}
