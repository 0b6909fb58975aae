/**
 * The loss that keeps the experts of a model in equal use, as transformers computes it: one number
 * for each batch, over the routers of all its layers. Knows no preference loss.
 */
import type { Device } from "../../../kernels/device/device.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import type { PassBalance } from "../../model/decoder/decoder_pass.ts";
import type { Batch } from "../../preference/tokens/batch.ts";

/** How a run balances the experts of its model. */
export interface RouterLoss {
  /** What the loss is multiplied by, 0.001 is usual. */
  readonly coefficient: number;
  /** Number of experts of a layer. */
  readonly experts: number;
  /** Number of layers that have experts. */
  readonly layers: number;
}

/** The router loss of one batch, which may run in several passes if none of them is recorded. */
export interface BatchBalance {
  /** `[2, experts]`; read it when all passes have run. */
  readonly sums: Tensor;
  /** What the pass of a batch, or of a part of it, is given. */
  passOf(batch: Batch): PassBalance;
  /** The loss without its coefficient, from the values of `sums`. */
  valueOf(sums: Float32Array): number;
}

/**
 * Begins the router loss of a batch, in the device's scope that is open. The loss is
 * `experts * sum_e f_e P_e`: f_e counts the choices of expert e per token, P_e is the mean of its
 * probability, both over all tokens of all layers with experts. A prompt that two answers share
 * counts twice, as it does where both run in full.
 * Source: https://arxiv.org/abs/2101.03961, Equations 4 to 6; transformers counts each of the
 * chosen experts.
 *
 * @param share the batch's share of the step's loss
 */
export function balanceBatch(
  device: Device,
  { coefficient, experts, layers }: RouterLoss,
  share: number,
): BatchBalance {
  const sums = device.zeros([2, experts]);
  let counted = 0;
  return {
    sums,
    passOf({ timesAttended }) {
      const weights = Float32Array.from(timesAttended);
      counted += layers * weights.reduce((sum, times) => sum + times, 0);
      const factor = share * coefficient * experts / counted ** 2;
      return { weights, sums, factor };
    },
    valueOf(read) {
      let sum = 0;
      for (let e = 0; e < experts; e++) sum += read[e]! * read[experts + e]!;
      return experts * sum / counted ** 2;
    },
  };
}
