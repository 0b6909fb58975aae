/** Float64 twin of the loss that balances experts, over all layers with a router. */
import { softmax } from "./softmax.ts";

/** What one router did for `weights.length` tokens. */
export interface RouterTwin {
  /** `[tokens, experts]` */
  readonly logits: ArrayLike<number>;
  /** `[tokens, k]` */
  readonly chosen: ArrayLike<number>;
}

/**
 * `experts * sum_e f_e P_e`: `f_e` counts the choices of expert e per token, `P_e` is the mean of
 * its probability, both over the tokens of all layers with their weights.
 * Source: https://arxiv.org/abs/2101.03961, Equations 4 to 6, with k choices a token.
 */
export function balanceTwin(
  routers: readonly RouterTwin[],
  weights: readonly number[],
  experts: number,
): number {
  const chosenTimes = new Float64Array(experts);
  const likely = new Float64Array(experts);
  for (const { logits, chosen } of routers) {
    const p = softmax(logits, experts);
    const k = chosen.length / weights.length;
    for (const [t, weight] of weights.entries()) {
      for (let j = 0; j < k; j++) chosenTimes[chosen[t * k + j]!]! += weight;
      for (let e = 0; e < experts; e++) {
        likely[e]! += weight * p[t * experts + e]!;
      }
    }
  }
  const all = routers.length * weights.reduce((sum, weight) => sum + weight, 0);
  return chosenTimes.reduce(
    (sum, times, e) => sum + experts * times / all * likely[e]! / all,
    0,
  );
}
