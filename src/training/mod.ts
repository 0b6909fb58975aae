/**
 * Training on a device that is open: whole runs and what they tell, runs as they would be, and the
 * losses as plain functions of log-probabilities.
 *
 * ```ts
 * import { preferenceLoss } from "@tiebreak/tiebreak/training";
 *
 * // one pair: sums of log-probabilities in nats, under the policy and under the reference
 * const one = (value: number) => Float64Array.of(value);
 * const pair = {
 *   chosen: one(-10),
 *   rejected: one(-14),
 *   referenceChosen: one(-11),
 *   referenceRejected: one(-13),
 *   chosenLengths: one(5),
 *   rejectedLengths: one(5),
 *   text: one(-10),
 *   textLengths: one(5),
 *   weights: one(1),
 * };
 * const { losses, chosenSlopes } = preferenceLoss(pair, {
 *   beta: 0.1,
 *   loss_type: ["sigmoid"],
 *   loss_weights: null,
 * });
 * // the margin is (-10 + 14) - (-11 + 13) = 2, and the loss ln(1 + exp(-0.1 * 2))
 * console.log(losses[0], Math.log(1 + Math.exp(-0.2)), chosenSlopes[0]);
 * ```
 *
 * @module
 */

// runs
export { type DryRun, dryRun } from "./run/dry_run.ts";
export { runTraining } from "./run/run.ts";
export type { RunHooks, RunStage } from "./run/run_hooks.ts";
export type { DataFile, HashedFile, RunRecord } from "./run/run_record.ts";
export type { Change } from "./run/resume_changes.ts";
export type { RunEnd, RunResult, RunStart, Sink } from "./run/sink.ts";
export type { SkippedStep } from "./loop/step_guard.ts";
export type { Wreck, WreckedRun } from "./loop/wreck.ts";
export type { Head } from "./method/method.ts";
export type { Metrics } from "./method/metrics.ts";
export type { ByteGroup, BytePlan } from "./plan/byte_plan.ts";

// what a run would train on
export { runDataLines, type RunDataView } from "./setup/run_objective.ts";

// losses
export { answerLoss, preferenceLoss } from "./loss/preference_loss.ts";
export type { PreferenceLossOptions } from "./loss/preference_loss.ts";
export { LOSSES, type LossName } from "./loss/losses.ts";
export { type LossOptions, lossOptions } from "./loss/loss_options.ts";
export type {
  AnswerLogps,
  AnswerLoss,
  PairLogps,
  PairLoss,
} from "./loss/loss_terms.ts";
