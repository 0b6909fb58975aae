/**
 * The two sums of a loss that balances experts, and its gradient: how often each expert is chosen,
 * and how likely the router finds it. Knows no model and no coefficient.
 */
import type { Device } from "../device/device.ts";
import { foldedGrid } from "../device/grid.ts";
import { defineKernel } from "../device/kernel.ts";
import { expectShape, matrixShape, type Tensor } from "../device/tensor.ts";
import backwardSource from "./balance_backward.wgsl" with { type: "text" };
import sumsSource from "./balance_sums.wgsl" with { type: "text" };

const sumsKernel = defineKernel("balance_sums", sumsSource);
const backwardKernel = defineKernel("balance_backward", backwardSource);

/** What one router did. */
export interface RoutedTokens {
  /** `[tokens, experts]`, the softmax of the router's logits. */
  readonly probabilities: Tensor;
  /** `[tokens]` how often each token counts. */
  readonly weights: Tensor;
}

/**
 * Adds to `sums` `[2, experts]` how often each expert is chosen and its probability, both summed
 * over the tokens with their weights.
 *
 * @param chosen u32 `[tokens, k]`
 * @throws {TypeError} if a shape does not fit the others
 */
export function addBalanceSums(
  device: Device,
  { probabilities, weights }: RoutedTokens,
  chosen: Tensor,
  sums: Tensor,
): void {
  const [tokens, experts] = matrixShape(probabilities);
  const [, k] = matrixShape(chosen);
  expectShape("chosen", chosen, [tokens, k]);
  expectShape("weights", weights, [tokens]);
  expectShape("sums", sums, [2, experts]);
  if (tokens === 0) return;
  const bindings = { p: probabilities, chosen, w: weights, sums };
  device.launch(sumsKernel, bindings, { tokens, experts, k }, [experts]);
}

/**
 * Adds to the gradient of a router's logits, `[tokens, experts]`, that of
 * `factor * sum_e sums[0, e] * sum_t w[t] p[t, e]`. The first row of `sums` has no gradient.
 *
 * @throws {TypeError} if a shape does not fit the others
 */
export function addBalanceGradient(
  device: Device,
  { probabilities, weights }: RoutedTokens,
  { sums, factor }: { readonly sums: Tensor; readonly factor: number },
  dlogits: Tensor,
): void {
  const [tokens, experts] = matrixShape(probabilities);
  expectShape("weights", weights, [tokens]);
  expectShape("sums", sums, [2, experts]);
  expectShape("dlogits", dlogits, [tokens, experts]);
  if (tokens === 0) return;
  const bindings = { p: probabilities, w: weights, sums, dlogits };
  const params = { tokens, experts, factor };
  device.launch(backwardKernel, bindings, params, foldedGrid(tokens));
}
