/**
 * Steps whose loss or gradient is not finite: they change no weight and the run goes on, but too
 * many of them in a row end it. Knows no device and no optimizer.
 */

/** A step that changed nothing. */
export interface SkippedStep {
  /** Its number, from 1. */
  readonly step: number;
  /** In nats. The loss or the norm is not finite. */
  readonly loss: number;
  /** L2 norm of its gradients before clipping. */
  readonly grad_norm: number;
  /** The places of its rows, as `file:line`. */
  readonly rows: readonly string[];
}

/** Steps skipped so far; plain JSON. */
export interface GuardState {
  readonly skipped: number;
  /** Steps skipped since the last step that was taken. */
  readonly inARow: number;
}

/** A bad row spoils one step; weights that are not finite any more spoil all that follow. */
export const MOST_SKIPPED_IN_A_ROW = 5;

/**
 * Counts a skipped step.
 *
 * @throws {Error} if it is one too many in a row
 */
export function countSkipped(
  { skipped, inARow }: GuardState,
  step: SkippedStep,
): GuardState {
  if (inARow + 1 < MOST_SKIPPED_IN_A_ROW) {
    return { skipped: skipped + 1, inARow: inARow + 1 };
  }
  throw new Error(
    `Cannot go on training at step ${step.step}: ${MOST_SKIPPED_IN_A_ROW} steps in a row were skipped, the last with ${
      numbersOf(step)
    }; lower learning_rate or look at these rows`,
  );
}

/**
 * Fails at the end of a run all of whose steps were skipped.
 *
 * @throws {Error} in one line
 */
export function checkAnyTaken({ skipped }: GuardState, steps: number): void {
  if (skipped < steps) return;
  throw new Error(
    `Cannot finish training: all ${steps} steps were skipped, expected finite losses and gradients; look at the rows that were named`,
  );
}

/** What was wrong with a step, in one line. */
export function skippedLine(step: SkippedStep): string {
  return `step ${step.step} skipped: ${numbersOf(step)}`;
}

function numbersOf({ loss, grad_norm, rows }: SkippedStep): string {
  return `loss ${loss}, gradient norm ${grad_norm}, expected finite numbers; rows ${
    rows.join(", ")
  }`;
}
