/**
 * The options that say what the policy is compared with, where that is not the model that training starts from.
 *
 * @module
 */
import { optional } from "../../base/composite_option.ts";
import { flag, integer, number, text } from "../../base/option.ts";
import { type Findings, quoted } from "../../base/schema.ts";
import { type TrainerName, trainerRows } from "../method/trainers.ts";

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

/** The options that are checked together. */
export interface CheckedReference {
  readonly trainer: TrainerName;
  readonly ref_model_name_or_path: string | null;
  readonly ref_adapter_name_or_path: string | null;
  readonly sync_ref_model: boolean;
  readonly precompute_ref_log_probs: boolean;
  readonly init_from_config: boolean;
}

/** What contradicts, and what has no effect. */
export function checkReference(options: CheckedReference): Findings {
  const { sync_ref_model, ref_model_name_or_path: model } = options;
  const { trainer, ref_adapter_name_or_path: adapter } = options;
  const named = model !== null || adapter !== null;
  const given = [
    ...sync_ref_model ? ["sync_ref_model"] : [],
    ...model === null ? [] : ["ref_model_name_or_path"],
    ...adapter === null ? [] : ["ref_adapter_name_or_path"],
  ];
  if (!trainerRows[trainer].hasReference) {
    return {
      problems: [],
      warnings: given.map((name) =>
        `"${name}" has no effect with "trainer" "${trainer}", which has no reference`
      ),
    };
  }
  const problems: string[] = [];
  if (sync_ref_model && named) {
    problems.push(
      `"sync_ref_model" moves a copy of the policy and cannot go with ${
        quoted(given.slice(1))
      }`,
    );
  }
  if (sync_ref_model && options.precompute_ref_log_probs) {
    problems.push(
      'a reference that moves cannot be computed once: give either "sync_ref_model" or "precompute_ref_log_probs"',
    );
  }
  if (adapter !== null && model === null && options.init_from_config) {
    problems.push(
      '"ref_adapter_name_or_path" has no weights to go on with "init_from_config"',
    );
  }
  return { problems, warnings: [] };
}
