/**
 * What happens at Ctrl-C, SIGTERM and SIGHUP; the exit codes are 130, 143 and 129.
 *
 * - `train` saves a checkpoint after the step at hand; before the first step there is nothing to
 *   save (`saveFirst()`). The head of src/training/run/run.ts says how the signal gets there.
 * - `score`, `merge` and `export-gguf` write their output only as a whole, so they remove what is
 *   half done (`leaveNothing()`).
 * - `upload` stops sending (`stopSending()`); the next one goes on.
 * - `download`, `predict` and `demo` end at once (`endAtOnce()`). What they have written stays.
 *
 * A second signal ends each of them at once, whatever it is doing (signal_watch.ts).
 *
 * The other tasks are short and have no handler: the system ends them at once.
 */
// deno-lint-ignore-file no-console
import type { DeviceWatch } from "../src/commands/command_device.ts";
import { type TaskPlace, watchedCalls } from "./device_watch.ts";
import { EXIT_CODES, type Heard, type StopSignal } from "./signal_watch.ts";

/** The exit code of a task that Ctrl-C ended. */
export const INTERRUPTED: number = EXIT_CODES.SIGINT;

/**
 * Calls `hear` with the first signal; returns once there is somebody who listens: the thread that
 * does, which can watch calls too.
 */
async function onSignal(hear: (signal: StopSignal) => void): Promise<Worker> {
  const watch = new Worker(new URL("./signal_watch.ts", import.meta.url), {
    type: "module",
  });
  await new Promise<void>((listening) => {
    watch.onmessage = ({ data }: MessageEvent<Heard>) =>
      data === "listening" ? listening() : hear(data);
  });
  return watch;
}

/** From here on a signal ends the task at once. */
export async function endAtOnce(): Promise<void> {
  await onSignal((signal) => Deno.exit(EXIT_CODES[signal]));
}

/** Why the signals below are aborted. */
class Interrupted extends Error {
  override name = "Interrupted";
  readonly exitCode: number;

  constructor(signal: StopSignal) {
    super(signal);
    this.exitCode = EXIT_CODES[signal];
  }
}

/**
 * Runs work that a signal aborts; the work may end well after that, or throw.
 *
 * @param work returns whether it ended early because of the signal
 * @param says what the user reads at the first signal
 * @param isThrown called where the work was ended by an error
 * @returns the exit code of the task
 */
async function interruptible(
  work: (signal: AbortSignal, thread: Worker) => Promise<boolean | void>,
  says: string,
  isThrown: () => void = () => {},
): Promise<number> {
  const stop = new AbortController();
  const thread = await onSignal((signal) => {
    const by = signal === "SIGINT" ? "interrupted" : `ended by ${signal}`;
    const again = signal === "SIGINT" ? "Ctrl-C again" : "a second signal";
    console.error(`\n${by}: ${says}; ${again} ends at once`);
    stop.abort(new Interrupted(signal));
  });
  try {
    const isEarly = await work(stop.signal, thread);
    return isEarly ? stop.signal.reason.exitCode : 0;
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    isThrown();
    return error.exitCode;
  }
}

/** What training that is watched takes and tells. */
export interface Watched {
  /** Once it is aborted, training ends after the step at hand. */
  readonly signal: AbortSignal;
  /** To be told of calls that wait for the device. */
  readonly watch: DeviceWatch;
  /** Says where the task stands, for the message if the device holds it for good. */
  readonly says: (place: TaskPlace) => void;
}

/**
 * Runs training that a signal aborts: training ends after the step at hand, with a checkpoint. A
 * device that holds the task beyond its limit ends it.
 *
 * @param work returns whether it was interrupted
 * @returns the exit code of the task
 */
export function saveFirst(
  work: (watched: Watched) => Promise<boolean>,
): Promise<number> {
  return interruptible(
    (signal, thread) => {
      const { task, watch } = watchedCalls();
      thread.postMessage(task);
      const says = (place: TaskPlace) => thread.postMessage(place);
      return work({ signal, watch, says });
    },
    "saving after this step",
    () => console.error("no step was taken yet, so there is nothing to save"),
  );
}

/**
 * Runs work that a signal aborts; the work then removes what is half done and throws.
 *
 * @returns the exit code of the task
 */
export function leaveNothing(
  work: (signal: AbortSignal) => Promise<void>,
): Promise<number> {
  return interruptible(work, "leaving nothing half done");
}

/**
 * Runs an upload that a signal aborts; what was sent is not sent again the next time.
 *
 * @returns the exit code of the task
 */
export function stopSending(
  work: (signal: AbortSignal) => Promise<void>,
): Promise<number> {
  return interruptible(work, "run it again to go on");
}
