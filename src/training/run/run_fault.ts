/**
 * A run whose device failed: where it was then, and the checkpoint that it can go on from. Knows no
 * device by its type and restarts nothing.
 */
import {
  DeviceFault,
  type DeviceFaultKind,
} from "../../../kernels/device/device_fault.ts";
import { checkCheckpoint } from "../checkpoint/checkpoint_faults.ts";

/** Where a run stands, kept up as it goes on. */
export interface RunPlace {
  /** What it is doing, after "Cannot": `take step 7 of 12`. */
  doing: string;
  /** Checkpoints that it can go on from, in the order in which they were written. */
  readonly checkpoints: string[];
}

/** The place of a run that has not begun. */
export function startPlace(): RunPlace {
  return { doing: "prepare the run", checkpoints: [] };
}

const ADVICE: Readonly<Record<DeviceFaultKind, string>> = {
  "lost": "",
  "out of memory":
    "end what else uses the device, or lower per_device_train_batch_size, max_length or max_tokens_per_batch, or set gradient_checkpointing, load_in_4bit or optim=adamw_8bit; ",
  "no answer":
    "if it was at work all the same, raise step_timeout, or set it to 0; ",
};

/** A run that its device ended. Each run can be started again. */
export class RunFault extends Error {
  override name = "RunFault";

  /** Makes one of what happened and where. */
  constructor(
    /** What happened. */
    readonly kind: DeviceFaultKind,
    /** What happened and where, without what to do. */
    readonly found: string,
    /** The newest checkpoint of the run that is whole; undefined if there is none. */
    readonly checkpoint: string | undefined,
    /** How often it has gone on after a fault before. */
    restarts = 0,
  ) {
    const goOn = checkpoint === undefined
      ? "no checkpoint of this run is saved: start it again with overwrite_output_dir"
      : `"${checkpoint}" is its newest whole checkpoint: go on with resume_from_checkpoint=${checkpoint}`;
    const restart = restarts === 0
      ? "restarts=1 does so by itself"
      : `restarts=${restarts} are used up`;
    super(`${found}; ${ADVICE[kind]}${goOn}; ${restart}`);
  }

  /** The same after so many restarts, all that were allowed. */
  after(restarts: number): RunFault {
    return new RunFault(this.kind, this.found, this.checkpoint, restarts);
  }
}

/** Says of an error of the machine where the run was; another error stays as it is. */
export async function asRunFault(
  error: unknown,
  { doing, checkpoints }: RunPlace,
): Promise<unknown> {
  if (!(error instanceof DeviceFault)) return error;
  const found = `Cannot ${doing}: ${error.found}`;
  return new RunFault(error.kind, found, await newestWhole(checkpoints));
}

async function newestWhole(
  checkpoints: readonly string[],
): Promise<string | undefined> {
  for (const path of checkpoints.toReversed()) {
    const { faults } = await checkCheckpoint(path);
    if (faults.length === 0) return path;
  }
  return undefined;
}
