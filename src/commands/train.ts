/**
 * The command `train`: opens the device within a budget of memory, chooses the fastest tile of the
 * products, and runs the training with the caches and the reports (curves, model card). Prints
 * nothing.
 */
import type { DeviceWatch } from "../../kernels/device/device_options.ts";
import type { Device } from "../../kernels/device/device.ts";
import { tell } from "../base/notes.ts";
import { worded } from "../base/shown.ts";
import { formatBytes } from "../base/units.ts";
import { capCache } from "../files/disk/cache_folder.ts";
import { refusalOf } from "../files/folders/output_folder.ts";
import { CACHE_FOLDER } from "../files/file_names.ts";
import { type SinkName, sinkNames, sinksOf } from "../report/sinks.ts";
import type { TrainOptions } from "../training/options/options.ts";
import { trainSchema } from "../training/options/train_schema.ts";
import { type DryRun, dryRun } from "../training/run/dry_run.ts";
import { runTraining } from "../training/run/run.ts";
import type { RunHooks, RunStage } from "../training/run/run_hooks.ts";
import { allSinks, type RunResult, type Sink } from "../training/run/sink.ts";
import { defineCommand } from "./command.ts";
import {
  type DeviceHooks,
  openCommandDevice,
  productTuner,
} from "./command_device.ts";
import { runWithRestarts } from "./restarts.ts";

export type { RunStage } from "../training/run/run_hooks.ts";
export type { Sink } from "../training/run/sink.ts";

/**
 * `deno task train`
 *
 * @internal
 */
export const trainCommand = defineCommand({
  name: "train",
  summary:
    "Trains on preference pairs or demonstrations: adapters or all weights.",
  schema: trainSchema,
});

/** What `train()` takes beside its options. */
export interface TrainHooks extends DeviceHooks {
  /** Names of the files beside metrics.jsonl that the run writes; default: all. */
  readonly reports?: readonly SinkName[] | undefined;
  /** They record what happens, after the reports have. */
  readonly sinks?: readonly Sink[] | undefined;
  /** Called as a part of the run goes on: bytes loaded, pairs of the reference, steps. */
  readonly onProgress?:
    | ((stage: RunStage, done: number, total: number) => void)
    | undefined;
  /**
   * Once it is aborted, the run ends after the step at hand, with a checkpoint. While the reference
   * is computed there is nothing to save: the run throws the signal's reason.
   */
  readonly signal?: AbortSignal | undefined;
  /** Hears of calls that wait for the device. */
  readonly watch?: DeviceWatch | undefined;
}

/**
 * Trains as the options say, into their `output_dir`.
 *
 * @throws {Error} if data, model, memory or options do not fit, with a message of one line; the
 *   files of an earlier run are still there
 */
export async function train(
  options: TrainOptions,
  hooks: TrainHooks = {},
): Promise<RunResult> {
  if (options.dry_run) {
    throw new TypeError(
      'Cannot train: "dry_run" is set, expected false; planTraining() says what the run would be',
    );
  }
  return await trainOnDevices(
    () => openCommandDevice(options, hooks.watch),
    options,
    hooks,
  );
}

/**
 * Trains on a device, and after a fault of the machine on the next, as often as `restarts` says.
 *
 * @internal
 */
export async function trainOnDevices(
  open: () => Promise<Device>,
  options: TrainOptions,
  hooks: TrainHooks = {},
): Promise<RunResult> {
  return await runWithRestarts({
    open,
    run: (device, restart) => trainOn(device, options, { ...hooks, restart }),
    restarts: options.restarts,
    signal: hooks.signal,
  });
}

/** Trains on a device that is open. */
export async function trainOn(
  device: Device,
  options: TrainOptions,
  hooks: TrainHooks & Pick<RunHooks, "restart">,
): Promise<RunResult> {
  const { reports = sinkNames, sinks = [], onTuned } = hooks;
  const { output_dir, retune, cache_limit } = options;
  const start = new Date();
  const result = await runTraining(device, options, {
    sinks: [...sinksOf(output_dir, reports), ...sinks],
    onProgress: hooks.onProgress,
    signal: hooks.signal,
    restart: hooks.restart,
    cacheFolder: CACHE_FOLDER.reference,
    tune: productTuner(device, { retune, onTuned }),
  });
  if (cache_limit !== null) await capCaches(cache_limit, start);
  return result;
}

/** Keeps the caches below their limit, and tells what went. One that cannot be removed stays. */
async function capCaches(gigabytes: number, start: Date): Promise<void> {
  const { root } = CACHE_FOLDER;
  try {
    const gone = await capCache(root, gigabytes * 1e9, start);
    if (gone.length === 0) return;
    const bytes = gone.reduce((sum, entry) => sum + entry.bytes, 0);
    tell(
      `"${root}" held more than the ${gigabytes} GB of cache_limit: ${gone.length} files of ${
        formatBytes(bytes)
      }, which were used the longest ago, are removed`,
    );
  } catch (error) {
    tell(`"${root}" could not be brought below cache_limit: ${worded(error)}`);
  }
}

/**
 * Says what a run would be: its steps, bytes and hours. Trains nothing.
 *
 * @throws {Error} if it does not fit into the memory; the message of one line says what each part
 *   takes
 */
export async function planTraining(options: TrainOptions): Promise<DryRun> {
  const refusal = await refusalOf(options.output_dir, {
    overwrite: options.overwrite_output_dir,
    resume: options.resume_from_checkpoint !== false,
    files: allSinks(sinksOf(options.output_dir, sinkNames)).files,
  });
  if (refusal !== undefined) tell(`the run itself would stop: ${refusal}`);
  using device = await openCommandDevice(options);
  return await dryRun(device, options);
}
