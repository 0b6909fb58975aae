/**
 * Computes logits over the whole vocabulary from hidden states, with the factor and soft cap of the
 * family. Only for a few rows.
 */
import { fullLogits } from "../../../kernels/vocabulary/full_logits.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import { logitOptions } from "../config/config.ts";
import type { Model } from "./model.ts";

/**
 * Logits `[rows, vocab_size]` of hidden states `[rows, hidden_size]`.
 *
 * @throws {RangeError} if the logits do not fit in one binding
 */
export function modelLogits(
  { device, lm_head, config }: Model,
  hidden: Tensor,
): Tensor {
  return fullLogits(device, hidden, lm_head.matrix, logitOptions(config));
}
