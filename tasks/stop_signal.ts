/** Ctrl-C in a task that writes its output only whole: what is half done is removed, exit code 130. */
// deno-lint-ignore-file no-console

/** A signal that Ctrl-C aborts; a second Ctrl-C ends the task at once. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  Deno.addSignalListener("SIGINT", () => {
    if (stop.signal.aborted) Deno.exit(130);
    console.error("\ninterrupted: leaving nothing half done");
    stop.abort(new Interrupted());
  });
  return stop.signal;
}

/** Why a signal of `stopSignal()` is aborted. */
class Interrupted extends Error {
  override name = "Interrupted";
}

/** Runs `work`; if Ctrl-C stopped it, gives the exit code 130. */
export async function orInterrupted(
  work: () => Promise<void>,
): Promise<number> {
  try {
    await work();
    return 0;
  } catch (error) {
    if (error instanceof Interrupted) return 130;
    throw error;
  }
}
