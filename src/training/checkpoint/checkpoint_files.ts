/**
 * The layout of a checkpoint: the model as it is saved at the end of a run, and beside it what a
 * run goes on from. This file and `file_names.ts` are all that another layout changes.
 */
import { join } from "@std/path";
import { CHECKPOINT_FILE } from "../../files/file_names.ts";
import {
  openSafetensors,
  type TensorReader,
} from "../../files/safetensors/safetensors.ts";
import type { ExportedTensor } from "../../model/saving/export.ts";
import type { TrainerState } from "../loop/trainer.ts";
import type { PlannedFile } from "./planned_file.ts";
import { modelFiles, type SaveContext } from "./saved_model.ts";
import { stateFiles } from "./trainer_state.ts";

/** What a checkpoint holds. */
export interface CheckpointContent {
  /** The model's tensors, as `modelTensors()` gives them. */
  readonly tensors: readonly ExportedTensor[];
  /** What the optimizer and a moving reference remember, and trained values in full precision. */
  readonly optimizerTensors: readonly ExportedTensor[];
  /** Names the run. */
  readonly run: string;
  /** Hash of its rows of metrics so far. */
  readonly metrics: string;
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
  return [
    ...modelFiles(tensors, context),
    { file: CHECKPOINT_FILE.optimizer, tensors: optimizerTensors },
    { file: CHECKPOINT_FILE.options, json: options },
    ...inputs === undefined ? [] : [
      { file: CHECKPOINT_FILE.inputs, json: inputs },
    ],
    ...stateFiles(state),
  ];
}

/** The tensors that `checkpointFiles()` was given as the optimizer's. */
export async function openOptimizerTensors(
  path: string,
): Promise<TensorReader> {
  return await openSafetensors(join(path, CHECKPOINT_FILE.optimizer));
}
