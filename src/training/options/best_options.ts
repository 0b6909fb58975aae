/**
 * The options that say which evaluation is the best, and when to stop for want of a better one:
 * transformers' names and rules.
 *
 * @module
 */
import { optional } from "../../base/composite_option.ts";
import { flag, integer, number, text } from "../../base/option.ts";

/** Options of evaluation beyond its times. */
export const bestOptions = {
  eval_on_start: flag("Evaluate before the first step too"),
  eval_delay: number(
    "Steps (with eval_strategy epoch: epochs) before the first evaluation",
    0,
    { min: 0 },
  ),
  load_best_model_at_end: flag(
    "Save at each best evaluation, keep that checkpoint whatever save_total_limit says, and end with its weights",
  ),
  metric_for_best_model: optional(
    text(
      "What evaluations are compared by, such as loss or rewards/accuracies; null is loss",
    ),
  ),
  greater_is_better: optional(
    flag(
      "Whether more of it is better; null: yes, unless its name ends in loss",
    ),
  ),
  early_stopping_patience: optional(
    integer(
      "Stop after so many evaluations that are not better; null never stops",
      undefined,
      { min: 1 },
    ),
  ),
  early_stopping_threshold: number(
    "What better by no more than this does not count for early_stopping_patience",
    0,
    { min: 0 },
  ),
};
