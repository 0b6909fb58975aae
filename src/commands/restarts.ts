/**
 * Goes on with a run whose device failed: on another device, from its newest whole checkpoint, or
 * anew where there is none. Faults that are none of the machine end it as ever. Prints nothing.
 */
import type { Device } from "../../kernels/device/device.ts";
import { tell } from "../base/notes.ts";
import { RunFault } from "../training/run/run_fault.ts";
import type { RunHooks } from "../training/run/run_hooks.ts";

/** Opens devices, runs on them, and says when it is enough. */
export interface Restarted<Result> {
  readonly open: () => Promise<Device>;
  /** Runs on a device; `restart` says from where. */
  readonly run: (
    device: Device,
    restart: RunHooks["restart"],
  ) => Promise<Result>;
  /** How often a run may go on after a fault. */
  readonly restarts: number;
  /** Once it is aborted, nothing goes on. */
  readonly signal?: AbortSignal | undefined;
}

/** A driver that has lost a device may need a while; seconds to the next try to open one. */
const PAUSES = [1, 2, 4, 8, 15];

/**
 * Runs, and goes on after faults of the machine as often as it may. Each device is freed before the
 * next is opened.
 *
 * @throws {RunFault} the last one, if the machine failed once more
 */
export async function runWithRestarts<Result>(
  { open, run, restarts, signal }: Restarted<Result>,
): Promise<Result> {
  let device = await open();
  let restart: RunHooks["restart"];
  for (let done = 0;; done++) {
    const end = await runOnce(device, (device) => run(device, restart));
    if ("result" in end) return end.result;
    const { fault } = end;
    if (restarts === 0 || signal?.aborted) throw fault;
    if (done === restarts) throw fault.after(done);
    restart = { checkpoint: fault.checkpoint };
    const from = fault.checkpoint === undefined
      ? "begins anew, since no checkpoint of it is saved"
      : `goes on from "${fault.checkpoint}"`;
    tell(
      `${fault.found}; restart ${
        done + 1
      } of ${restarts}, on a new device: the run ${from}`,
    );
    device = await openPatiently(open);
  }
}

async function runOnce<Result>(
  opened: Device,
  run: (device: Device) => Promise<Result>,
): Promise<{ readonly result: Result } | { readonly fault: RunFault }> {
  using device = opened;
  try {
    return { result: await run(device) };
  } catch (error) {
    if (error instanceof RunFault) return { fault: error };
    throw error;
  }
}

async function openPatiently(open: () => Promise<Device>): Promise<Device> {
  for (const seconds of PAUSES) {
    try {
      return await open();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    }
  }
  return await open();
}
