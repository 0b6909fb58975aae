/**
 * What happens at Ctrl-C; the exit code is 130 in every case.
 *
 * - `train` saves a checkpoint after the step at hand; before the first step there is nothing to
 *   save (`saveFirst()`). The head of src/training/run/run.ts says how the signal gets there.
 * - `score`, `merge` and `export-gguf` write their output only as a whole, so they remove what is
 *   half done (`leaveNothing()`).
 * - `upload` stops sending (`stopSending()`); the next one goes on.
 * - `download`, `predict` and `demo` end at once (`endAtOnce()`). What they have written stays.
 *
 * A second Ctrl-C ends each of them at once.
 *
 * The other tasks are short and have no handler: Deno ends them at once.
 */
// deno-lint-ignore-file no-console

/** The exit code of a task that Ctrl-C ended. */
export const INTERRUPTED = 130;

/** From here on Ctrl-C ends the task at once. */
export function endAtOnce(): void {
  Deno.addSignalListener("SIGINT", () => Deno.exit(INTERRUPTED));
}

/** Why the signals below are aborted. */
class Interrupted extends Error {
  override name = "Interrupted";
}

/**
 * Runs work with a signal that Ctrl-C aborts; the work may end well after that, or throw.
 *
 * @param says what the user reads at the first Ctrl-C
 * @param isThrown called where the work was ended by an error
 * @returns the exit code of the task
 */
async function interruptible(
  work: (signal: AbortSignal) => Promise<number | void>,
  says: string,
  isThrown: () => void = () => {},
): Promise<number> {
  const stop = new AbortController();
  Deno.addSignalListener("SIGINT", () => {
    if (stop.signal.aborted) Deno.exit(INTERRUPTED);
    console.error(`\ninterrupted: ${says}; Ctrl-C again ends at once`);
    stop.abort(new Interrupted());
  });
  try {
    return await work(stop.signal) ?? 0;
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    isThrown();
    return INTERRUPTED;
  }
}

/**
 * Runs training with a signal that Ctrl-C aborts: training ends after the step at hand, with a
 * checkpoint.
 *
 * @returns the exit code of the task
 */
export function saveFirst(
  work: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
  return interruptible(
    work,
    "saving after this step",
    () => console.error("no step was taken yet, so there is nothing to save"),
  );
}

/**
 * Runs work with a signal that Ctrl-C aborts; the work then removes what is half done and throws.
 *
 * @returns the exit code of the task
 */
export function leaveNothing(
  work: (signal: AbortSignal) => Promise<void>,
): Promise<number> {
  return interruptible(work, "leaving nothing half done");
}

/**
 * Runs an upload with a signal that Ctrl-C aborts; what was sent is not sent again the next time.
 *
 * @returns the exit code of the task
 */
export function stopSending(
  work: (signal: AbortSignal) => Promise<void>,
): Promise<number> {
  return interruptible(work, "run it again to go on");
}
