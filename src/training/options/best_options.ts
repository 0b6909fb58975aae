/**
 * The options that say which evaluation is the best, and when to stop for want of a better one: transformers' names
 * and rules.
 *
 * @module
 */
import { optional } from "../../base/composite_option.ts";
import { flag, integer, number, text } from "../../base/option.ts";
import type { Findings } from "../../base/schema.ts";
import type { BestOptions } from "../loop/best_model.ts";

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

/** The options that are checked together. */
export interface CheckedBest extends BestOptions {
  readonly eval_strategy: string;
  readonly save_strategy: string;
  readonly load_best_model_at_end: boolean;
}

/** What contradicts, and what has no effect. */
export function checkBest(options: CheckedBest): Findings {
  const { load_best_model_at_end, eval_strategy, save_strategy } = options;
  const { early_stopping_patience, early_stopping_threshold } = options;
  const compares = [
    ...load_best_model_at_end ? ["load_best_model_at_end"] : [],
    ...early_stopping_patience === null ? [] : ["early_stopping_patience"],
    ...save_strategy === "best" ? ['save_strategy": "best'] : [],
  ];
  const problems = eval_strategy === "no"
    ? compares.map((name) => `"${name}" needs "eval_strategy", found "no"`)
    : [];
  if (load_best_model_at_end && save_strategy === "no") {
    problems.push(
      '"load_best_model_at_end" needs checkpoints, found "save_strategy" "no"',
    );
  }
  const named = options.metric_for_best_model !== null;
  const idle = [
    ...named && compares.length === 0 ? ["metric_for_best_model"] : [],
    ...options.greater_is_better !== null && compares.length === 0
      ? ["greater_is_better"]
      : [],
  ].map((name) =>
    `"${name}" matters with load_best_model_at_end, early_stopping_patience or save_strategy best only`
  );
  if (early_stopping_threshold > 0 && early_stopping_patience === null) {
    idle.push(
      '"early_stopping_threshold" matters with early_stopping_patience only',
    );
  }
  return { problems, warnings: idle };
}
