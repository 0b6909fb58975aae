/**
 * The options that say what the policy is compared with, where that is not the model that training
 * starts from.
 *
 * @module
 */
import { optional } from "../../base/composite_option.ts";
import { flag, integer, number, text } from "../../base/option.ts";

/** Options of the reference. */
export const referenceOptions = {
  ref_model_name_or_path: optional(
    text(
      "Another model as the reference: folder or name, of the same tokenizer; it is read, asked and freed before the policy is read; null is the model itself before training",
    ),
  ),
  ref_adapter_name_or_path: optional(
    text(
      "Folder of a PEFT adapter on the reference; null is none, but a continued adapter is compared with its own start",
    ),
  ),
  sync_ref_model: flag(
    "TR-DPO: the reference follows the policy; takes memory for a second set of trained values and a forward pass of each batch",
  ),
  ref_model_mixup_alpha: number(
    "TR-DPO: share of the policy in the reference at each sync, 0.5 to 1 is usual",
    0.6,
    { min: 0, max: 1 },
  ),
  ref_model_sync_steps: integer(
    "TR-DPO: steps between syncs, 64 to 1024 is usual",
    512,
    { min: 1 },
  ),
};
