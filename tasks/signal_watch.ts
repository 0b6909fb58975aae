/**
 * A thread that hears the signals which ask a task to end. It hears them while the task's own
 * thread computes or waits for the device, where no listener of that thread would be called. It
 * tells the task of the first one and then listens no more, so the system ends the process at the
 * second. It also watches a task that waits for a device (device_watch.ts). Knows nothing of what a
 * task does.
 */
import {
  type TaskPlace,
  watchCalls,
  type WatchedTask,
} from "./device_watch.ts";

/** The signals that ask a task to end, and the exit code of each: 128 and its number. */
export const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** A signal that asks a task to end. */
export type StopSignal = keyof typeof EXIT_CODES;

/** What the thread says: that it listens, then the first signal. */
export type Heard = "listening" | StopSignal;

/**
 * Milliseconds in which the same signal again is the same request. `deno task` sends on to its
 * child what the terminal or a scheduler has already sent to both; the two come 1 to 4 ms apart.
 */
const ONE_REQUEST = 20;

/** Windows knows the closed window (SIGHUP) and Ctrl-C; SIGTERM ends a process there unasked. */
const heardHere = (Object.keys(EXIT_CODES) as StopSignal[]).filter((name) =>
  Deno.build.os !== "windows" || name !== "SIGTERM"
);

function listen(channel: Pick<Channel, "postMessage">): void {
  let first: StopSignal | undefined;
  const listeners = heardHere.map((name) => {
    const hear = () => {
      if (first !== undefined) return;
      first = name;
      channel.postMessage(name);
      for (const other of listeners) {
        if (other.name !== name) other.leave();
      }
      setTimeout(leave, ONE_REQUEST);
    };
    const leave = () => Deno.removeSignalListener(name, hear);
    Deno.addSignalListener(name, hear);
    return { name, leave };
  });
  channel.postMessage("listening");
}

/** The thread's own global. */
interface Channel {
  postMessage(heard: Heard): void;
  onmessage:
    | ((event: MessageEvent<WatchedTask | TaskPlace>) => void)
    | null;
}

/** Watches a task that waits for a device; the task says where it stands. */
function hearTask(channel: Channel): void {
  let place: TaskPlace = {};
  channel.onmessage = ({ data }) => {
    if ("calls" in data) watchCalls(data, () => place);
    else place = { ...place, ...data };
  };
}

// in the task's own thread this file is imported for its table alone
if ("postMessage" in globalThis) {
  const channel = globalThis as unknown as Channel;
  hearTask(channel);
  listen(channel);
}
