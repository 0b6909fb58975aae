/**
 * A reference that follows the policy (TR-DPO): a second set of the trained values, which is mixed
 * with the policy's every so many steps. Its log-probabilities are computed with each batch, while
 * those of every other reference are computed once, as a column.
 *
 * Source: https://arxiv.org/abs/2404.09656, Eq. 1 (soft update); alpha 1 is its Eq. 2 (hard
 * update).
 */
import { addInto, scale } from "../../../kernels/rows/elementwise.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import type { Model } from "../../model/decoder/model.ts";
import { secondModel } from "../../model/opening/second_weights.ts";

/** When and how far the reference moves. */
export interface SyncOptions {
  /** Share of the policy in each mixture: 0.6 in the paper. */
  readonly ref_model_mixup_alpha: number;
  /** Optimizer steps between two mixtures. */
  readonly ref_model_sync_steps: number;
}

/** The reference of a run that moves. */
export interface MovingReference {
  /** It shares the frozen weights with the policy, and never has a backward pass. */
  readonly model: Model;
  /** `ref = (1 - alpha) * ref + alpha * policy`, after every so many steps. */
  afterStep(step: number): void;
  /** Its own values by name, for checkpoints. */
  readonly state: readonly { readonly name: string; readonly tensor: Tensor }[];
  /** To be called after `state` was written: brings packed forms up to date. */
  refresh(): void;
}

/** A reference that is equal to the policy as it is now. */
export function movingReference(
  policy: Model,
  { ref_model_mixup_alpha: alpha, ref_model_sync_steps: every }: SyncOptions,
): MovingReference {
  const { device } = policy;
  const { model, weights, refresh } = secondModel(policy);
  return {
    model,
    afterStep(step) {
      if (step % every !== 0) return;
      using _scope = device.scope();
      for (const { value, parameter } of weights) {
        const less = scale(device, value, -alpha);
        addInto(device, value, less);
        device.release(less);
        addInto(device, value, parameter.value, alpha);
      }
      refresh();
      device.submit();
    },
    state: weights.map(({ parameter, value }) => ({
      name: `reference.${parameter.name}`,
      tensor: value,
    })),
    refresh,
  };
}
