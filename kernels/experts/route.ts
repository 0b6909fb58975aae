/**
 * Which experts serve a token: the likeliest by a softmax, with their gates, and all choices sorted
 * by expert, so that the tokens of an expert are one run of slots. All of it stays on the device.
 * Knows no expert.
 */
import type { Device } from "../device/device.ts";
import backwardSource from "./route_backward.wgsl" with { type: "text" };
import { foldedGrid } from "../device/grid.ts";
import type { Groups } from "../matmul/grouped_linear.ts";
import { defineKernel } from "../device/kernel.ts";
import routeSource from "./route.wgsl" with { type: "text" };
import slotsSource from "./expert_slots.wgsl" with { type: "text" };
import { expectShape, matrixShape, type Tensor } from "../device/tensor.ts";

const routeKernel = defineKernel("route", routeSource);
const backwardKernel = defineKernel("route_backward", backwardSource);
const slotsKernel = defineKernel("expert_slots", slotsSource);

/** How a router chooses. */
export interface RouteOptions {
  /** Experts per token, at most as many as there are. */
  readonly k: number;
  /** Gates of a token are divided by their sum. */
  readonly normalize: boolean;
}

/** The choices of all tokens. */
export interface Choices {
  /** u32 `[tokens, k]`, likeliest first. */
  readonly chosen: Tensor;
  /** `[tokens, k]`, probabilities. */
  readonly gates: Tensor;
}

/**
 * Choices sorted by expert: slot s belongs to the expert g with `starts[g] <= s < starts[g + 1]`.
 */
export interface ExpertSlots extends Groups {
  /** u32 `[tokens * k]`: the token of each slot. */
  readonly tokens: Tensor;
  /** u32 `[tokens, k]`: the slot of each choice. */
  readonly slots: Tensor;
}

/**
 * The k likeliest experts of each token and their gates, of a softmax over `logits`
 * `[tokens, experts]`.
 *
 * @throws {RangeError} if there are fewer experts than k
 */
export function route(
  device: Device,
  logits: Tensor,
  { k, normalize }: RouteOptions,
): Choices {
  const [tokens, experts] = matrixShape(logits);
  if (k < 1 || k > experts) {
    throw new RangeError(
      `Cannot choose ${k} experts: there are ${experts}, expected 1 to ${experts}`,
    );
  }
  const chosen = device.allocate([tokens, k], "u32");
  const gates = device.allocate([tokens, k]);
  if (tokens > 0) {
    device.launch(
      routeKernel,
      { logits, chosen, gates },
      { tokens, experts, k },
      foldedGrid(tokens),
      { constants: { NORMALIZE: Number(normalize) } },
    );
  }
  return { chosen, gates };
}

/**
 * Gradient of the logits, `[tokens, experts]`, from that of the gates; the choice has no gradient.
 */
export function routeBackward(
  device: Device,
  logits: Tensor,
  { chosen, gates }: Choices,
  dgates: Tensor,
  { k, normalize }: RouteOptions,
): Tensor {
  const [tokens, experts] = matrixShape(logits);
  expectShape("dgates", dgates, [tokens, k]);
  const dlogits = device.allocate([tokens, experts]);
  if (tokens > 0) {
    device.launch(
      backwardKernel,
      { logits, chosen, gates, dgates, dlogits },
      { tokens, experts, k },
      foldedGrid(tokens),
      { constants: { NORMALIZE: Number(normalize) } },
    );
  }
  return dlogits;
}

/** Sorts choices `[tokens, k]` by expert, tokens ascending within one. */
export function sortChoices(
  device: Device,
  chosen: Tensor,
  experts: number,
): ExpertSlots {
  const [most, k] = matrixShape(chosen);
  const choices = most * k;
  const starts = device.zeros([experts + 1], "u32");
  const tokens = device.allocate([choices], "u32");
  const slots = device.allocate([most, k], "u32");
  if (choices > 0) {
    device.launch(
      slotsKernel,
      { chosen, starts, tokens, slots },
      { choices, experts, k },
      [1],
    );
  }
  return { starts, tokens, slots, most };
}
