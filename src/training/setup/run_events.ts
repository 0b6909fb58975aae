/** When a run logs, evaluates and saves: pure arithmetic on step numbers. */
import { resolveEvery, type TrainOptions } from "../options/options.ts";

/** What can be due after a step. */
export type RunEvent = "log" | "eval" | "save";

/** Steps of a run and of an epoch. */
export interface RunLength {
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
}

type EventOptions = Pick<
  TrainOptions,
  | "logging_steps"
  | "logging_first_step"
  | "eval_strategy"
  | "eval_steps"
  | "eval_delay"
  | "save_strategy"
  | "save_steps"
>;

/**
 * Tells whether an event is due after a step. The last step is always logged, and it is evaluated
 * if the run has evaluations.
 */
export function runEvents(
  options: EventOptions,
  { totalSteps, stepsPerEpoch }: RunLength,
): (event: RunEvent, step: number) => boolean {
  const logging = resolveEvery(options.logging_steps, totalSteps);
  const evaluation = options.eval_steps === null
    ? logging
    : resolveEvery(options.eval_steps, totalSteps);
  const saving = resolveEvery(options.save_steps, totalSteps);
  const strategyDue = (
    strategy: EventOptions["save_strategy"],
    every: number,
    step: number,
  ) =>
    strategy === "steps"
      ? step % every === 0
      : strategy === "epoch" && step % stepsPerEpoch === 0;
  const delay = options.eval_delay *
    (options.eval_strategy === "epoch" ? stepsPerEpoch : 1);
  return (event, step) => {
    const last = step === totalSteps;
    switch (event) {
      case "log":
        return last || step % logging === 0 ||
          step === 1 && options.logging_first_step;
      case "eval":
        return options.eval_strategy !== "no" && last ||
          step >= delay &&
            strategyDue(options.eval_strategy, evaluation, step);
      case "save":
        return strategyDue(options.save_strategy, saving, step);
    }
  };
}
