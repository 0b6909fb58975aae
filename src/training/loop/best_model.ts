/**
 * Which evaluation is the best so far, and when a run stops because evaluations no longer get
 * better. The rules are those of transformers' Trainer and EarlyStoppingCallback. Pure: knows no
 * model and no file.
 */
import type { Metrics } from "../method/metrics.ts";

/** How evaluations are compared. */
export interface BestOptions {
  /** With or without `eval_`; null is the loss. */
  readonly metric_for_best_model: string | null;
  /** Null: yes, unless the metric's name ends in "loss". */
  readonly greater_is_better: boolean | null;
  /** The run ends after so many evaluations in a row that are not better; null: never. */
  readonly early_stopping_patience: number | null;
  /** For the patience, an evaluation must be better by more than this. */
  readonly early_stopping_threshold: number;
}

/** What is known of the evaluations so far; plain JSON, under transformers' names. */
export interface BestState {
  /** Null while no evaluation gave a finite number. */
  readonly best_metric: number | null;
  readonly best_global_step: number | null;
  readonly early_stopping_patience_counter: number;
}

/** What follows from an evaluation. */
export interface Verdict {
  readonly state: BestState;
  /** Whether it is the best so far. */
  readonly isBest: boolean;
  /** Whether the run should end. */
  readonly stops: boolean;
}

/** The metric's name in the row of an evaluation. */
export function bestMetricName(
  { metric_for_best_model: name }: Pick<BestOptions, "metric_for_best_model">,
): string {
  if (name === null) return "eval_loss";
  return name.startsWith("eval_") ? name : `eval_${name}`;
}

/**
 * Judges an evaluation.
 *
 * @throws {TypeError} if it lacks the metric
 */
export function judgeEvaluation(
  before: BestState | null,
  { row, step }: { readonly row: Metrics; readonly step: number },
  options: BestOptions,
): Verdict {
  const name = bestMetricName(options);
  const value = row[name];
  if (value === undefined) {
    throw new TypeError(
      `Cannot find the best model: an evaluation has no "${name}", found "${
        Object.keys(row).join('", "')
      }"; see metric_for_best_model`,
    );
  }
  const { greater_is_better, early_stopping_threshold } = options;
  const greater = greater_is_better ?? !name.endsWith("loss");
  const best = before?.best_metric ?? (greater ? -Infinity : Infinity);
  const isBest = greater ? value > best : value < best;
  const counts = (before?.best_metric ?? null) === null ||
    isBest && Math.abs(value - best) > early_stopping_threshold;
  const counter = counts
    ? 0
    : (before?.early_stopping_patience_counter ?? 0) + 1;
  const patience = options.early_stopping_patience ?? Infinity;
  return {
    state: {
      best_metric: isBest ? value : before?.best_metric ?? null,
      best_global_step: isBest ? step : before?.best_global_step ?? null,
      early_stopping_patience_counter: counter,
    },
    isBest,
    stops: counter >= patience,
  };
}
