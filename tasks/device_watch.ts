/**
 * Ends a task whose own thread is held by the driver: a device that does not answer may never give
 * the thread back, and then no timer of it comes up. A thread beside it watches numbers in shared
 * memory. Knows nothing of what a task does.
 */
// deno-lint-ignore-file no-console
import { formatDuration } from "../src/base/units.ts";
import type { DeviceWatch } from "../src/commands/command_device.ts";

/** What the watching thread is sent first; later it is sent where the task stands. */
export interface WatchedTask {
  readonly calls: Int32Array;
}

/** Where a task stands; what is left out is as before. */
export interface TaskPlace {
  /** What it is doing, after "Cannot". */
  readonly doing?: string;
  /** The newest checkpoint that it has written. */
  readonly checkpoint?: string;
}

/** Places in the shared memory. */
const LIMIT = 0; // seconds that the call at hand may take; 0: none, or there is no call
const COUNT = 1; // calls so far, so that a new one is not taken for the old one
/** The task's own timer comes first where it can, and may go on. Seconds, and of the limit. */
const GRACE = 2;
const GRACE_SHARE = 0.1;

/** Shared memory for a task and its watch, and what tells the watch of calls of the driver. */
export function watchedCalls(): { task: WatchedTask; watch: DeviceWatch } {
  const calls = new Int32Array(new SharedArrayBuffer(8));
  let depth = 0;
  return {
    task: { calls },
    watch: {
      enter(limit) {
        depth++;
        Atomics.store(calls, LIMIT, Math.min(Math.ceil(limit), 2 ** 31 - 1));
        Atomics.add(calls, COUNT, 1);
      },
      leave() {
        if (--depth === 0) Atomics.store(calls, LIMIT, 0);
      },
    },
  };
}

/**
 * Watches, in another thread than the task's. A second in which the process is stopped, or the
 * machine sleeps, does not count.
 *
 * @param place says where the task stands
 */
export function watchCalls(
  { calls }: WatchedTask,
  place: () => TaskPlace,
): void {
  let count = -1;
  let seconds = 0;
  setInterval(() => {
    const limit = Atomics.load(calls, LIMIT);
    const now = Atomics.load(calls, COUNT);
    seconds = limit > 0 && now === count ? seconds + 1 : 0;
    count = now;
    if (limit === 0 || seconds < limit * (1 + GRACE_SHARE) + GRACE) return;
    console.error(`error: ${heldLine(limit, place())}`);
    Deno.kill(Deno.pid, "SIGKILL");
  }, 1000);
}

function heldLine(
  limit: number,
  { doing = "go on", checkpoint }: TaskPlace,
): string {
  const goOn = checkpoint === undefined
    ? "no checkpoint of this run is saved: start it again with --overwrite_output_dir"
    : `"${checkpoint}" is its newest checkpoint: go on with --resume_from_checkpoint=${checkpoint}`;
  return `Cannot ${doing}: the device did not answer within ${
    formatDuration(limit)
  }, and its driver holds the task, which is killed; ${goOn}; if the device was at work all the same, raise --step_timeout, or set it to 0`;
}
