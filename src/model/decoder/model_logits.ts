/**
 * Hidden states to logits over the whole vocabulary, scaled and capped as the family does. For a
 * few rows only.
 */
import { fullLogits } from "../../../kernels/vocabulary/full_logits.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import { logitOptions } from "../config/config.ts";
import type { Model } from "./model.ts";

/**
 * `[rows, vocab_size]` from hidden states `[rows, hidden_size]`.
 *
 * @throws {RangeError} if they do not fit in one binding
 */
export function modelLogits(
  { device, lm_head, config }: Model,
  hidden: Tensor,
): Tensor {
  return fullLogits(device, hidden, lm_head.matrix, logitOptions(config));
}
