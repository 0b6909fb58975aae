/**
 * The layout of a checkpoint: the model as it is saved at the end of a run, and beside it what a
 * run goes on from. This file and `file_names.ts` are all that another layout changes.
 */
import { join } from "@std/path";
import {
  readJsonObject,
  readJsonObjectIfThere,
} from "../../files/disk/json_file.ts";
import { CHECKPOINT_FILE } from "../../files/file_names.ts";
import {
  openSafetensors,
  type TensorReader,
} from "../../files/safetensors/safetensors.ts";
import type { ExportedTensor } from "../../model/saving/export.ts";
import {
  afterSave,
  type GoodCheckpoints,
  NONE_GOOD,
} from "../loop/good_checkpoints.ts";
import { FRESH, type TrainerState } from "../loop/trainer.ts";
import type { PlannedFile } from "./planned_file.ts";
import { modelFiles, type SaveContext } from "./saved_model.ts";

/** Of the layout; to be raised when older checkpoints cannot be read any more. */
const VERSION = 1;

/** What a checkpoint holds. */
export interface CheckpointContent {
  /** The model's tensors, as `modelTensors()` gives them. */
  readonly tensors: readonly ExportedTensor[];
  /** What the optimizer and a moving reference remember, and trained values in full precision. */
  readonly optimizerTensors: readonly ExportedTensor[];
  /** Where the run stands. */
  readonly state: TrainerState;
  readonly context: SaveContext;
  /** The run's options. */
  readonly options: unknown;
  /** Hashes of what the run is made from; undefined if they are not known. */
  readonly inputs: unknown;
}

/** The files of a checkpoint. */
export function checkpointFiles(
  { tensors, optimizerTensors, state, context, options, inputs }:
    CheckpointContent,
): PlannedFile[] {
  const { good, ...rest } = state;
  return [
    ...modelFiles(tensors, context),
    { file: CHECKPOINT_FILE.optimizer, tensors: optimizerTensors },
    { file: CHECKPOINT_FILE.options, json: options },
    ...inputs === undefined ? [] : [
      { file: CHECKPOINT_FILE.inputs, json: inputs },
    ],
    { file: CHECKPOINT_FILE.good, json: good },
    { file: CHECKPOINT_FILE.state, json: { version: VERSION, ...rest } },
  ];
}

/** The tensors that `checkpointFiles()` was given as the optimizer's. */
export async function openOptimizerTensors(
  path: string,
): Promise<TensorReader> {
  return await openSafetensors(join(path, CHECKPOINT_FILE.optimizer));
}

/**
 * Where the run of a checkpoint stands.
 *
 * @throws {TypeError} if another version wrote it, or it is damaged
 */
export async function readState(path: string): Promise<TrainerState> {
  const file = join(path, CHECKPOINT_FILE.state);
  const { version, ...found } = await readJsonObject(file);
  const { step } = found;
  if (version !== VERSION || !Number.isInteger(step) || (step as number) < 1) {
    throw new TypeError(
      `Cannot resume from "${file}": version ${version}, step ${step}, expected version ${VERSION} and a positive step`,
    );
  }
  const state: TrainerState = { ...FRESH, ...found as Partial<TrainerState> };
  return { ...state, good: await readGood(path, state) };
}

/** Older checkpoints do not say what is good: they are, unless steps were being skipped. */
async function readGood(
  path: string,
  { step, guard }: TrainerState,
): Promise<GoodCheckpoints> {
  const found = await readJsonObjectIfThere(join(path, CHECKPOINT_FILE.good));
  const is_sound = guard.inARow === 0;
  return found === undefined
    ? afterSave({ ...NONE_GOOD, is_sound }, step)
    : { ...NONE_GOOD, ...found as Partial<GoodCheckpoints> };
}
