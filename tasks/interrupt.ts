/**
 * What happens at Ctrl-C; the exit code is 130 in every case.
 *
 * - `train` saves a checkpoint after the step at hand (`saveFirst()`). The head of
 *   src/training/run/run.ts says how the signal gets there.
 * - `score`, `merge` and `export-gguf` write their output only as a whole, so they remove what is
 *   half done (`leaveNothing()`). A second Ctrl-C ends them at once.
 * - `download`, `predict` and `demo` end at once (`endAtOnce()`). What they have written stays.
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

/** A signal that Ctrl-C aborts: the run ends after the step at hand, with a checkpoint. */
export function saveFirst(): AbortSignal {
  const stop = new AbortController();
  Deno.addSignalListener("SIGINT", () => {
    console.error("\ninterrupted: saving after this step");
    stop.abort();
  });
  return stop.signal;
}

/** Why the signal of `leaveNothing()` is aborted. */
class Interrupted extends Error {
  override name = "Interrupted";
}

/**
 * Runs work with a signal that Ctrl-C aborts; the work then removes what is half done and throws.
 *
 * @returns The exit code of the task
 */
export async function leaveNothing(
  work: (signal: AbortSignal) => Promise<void>,
): Promise<number> {
  const stop = new AbortController();
  Deno.addSignalListener("SIGINT", () => {
    if (stop.signal.aborted) Deno.exit(INTERRUPTED);
    console.error("\ninterrupted: leaving nothing half done");
    stop.abort(new Interrupted());
  });
  try {
    await work(stop.signal);
    return 0;
  } catch (error) {
    if (error instanceof Interrupted) return INTERRUPTED;
    throw error;
  }
}
