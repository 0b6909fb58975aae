/**
 * Which checkpoints of a run are known to be good, so that they stay although newer ones are there:
 * a run that goes wrong must not remove the last weights from before. Pure: knows no file.
 */
import { isRisen } from "./wreck.ts";

/** What is known of the checkpoints so far; plain JSON. */
export interface GoodCheckpoints {
  /** Loss of the run before its first step, or of its first step; null before that. In nats. */
  readonly first_loss: number | null;
  /** Whether the last step that was taken had a loss that is not far above the first one. */
  readonly is_sound: boolean;
  /** Step of the last checkpoint that was saved after such a step. */
  readonly saved: number | null;
  /** Step of the last checkpoint whose weights are sound: the step taken from them was. */
  readonly proven: number | null;
  /** Step of the checkpoint from which no step has been taken yet. */
  readonly untried: number | null;
}

/** Before the first step. */
export const NONE_GOOD: GoodCheckpoints = {
  first_loss: null,
  is_sound: true,
  saved: null,
  proven: null,
  untried: null,
};

/** A step was taken: it changed the weights, and its loss tells what the weights before it were. */
export function afterTaken(good: GoodCheckpoints, loss: number) {
  const { first_loss, untried, proven } = good;
  const start = first_loss ?? loss;
  const is_sound = !isRisen(loss, start);
  return {
    ...good,
    first_loss: start,
    is_sound,
    proven: is_sound && untried !== null ? untried : proven,
    untried: null,
  } satisfies GoodCheckpoints;
}

/** A checkpoint is saved. */
export function afterSave(good: GoodCheckpoints, step: number) {
  const saved = good.is_sound ? step : good.saved;
  return { ...good, saved, untried: step } satisfies GoodCheckpoints;
}

/**
 * The steps whose checkpoints stay.
 *
 * @param hasEnded whether no step comes that could prove the last checkpoint
 */
export function goodSteps(
  { saved, proven, untried }: GoodCheckpoints,
  hasEnded: boolean,
): number[] {
  const isLast = hasEnded && saved === untried;
  const steps = isLast ? [saved] : [saved, proven];
  return steps.filter((step) => step !== null);
}
