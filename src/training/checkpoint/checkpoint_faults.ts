/**
 * What is wrong with a checkpoint on the disk. All of it is looked at before any is believed: each
 * file against the manifest, which was written last, and the numbers of the state. Opens no device.
 */
import { basename, join } from "@std/path";
import { NotCapable, NotFound } from "../../files/disk.ts";
import { readJsonObjectIfThere } from "../../files/disk/json_file.ts";
import { CHECKPOINT_FILE } from "../../files/file_names.ts";
import { checkpointStep } from "../../files/folders/checkpoints.ts";
import {
  type Manifest,
  manifestFaults,
  readManifest,
} from "../../files/folders/manifest.ts";
import { openOptimizerTensors } from "./checkpoint_files.ts";
import { readState } from "./trainer_state.ts";

/** What was found in a checkpoint's folder. */
export interface CheckedCheckpoint {
  /** Each a part of a sentence that names the file; none if it is whole. */
  readonly faults: readonly string[];
  /** Undefined if there is none: earlier versions wrote none. */
  readonly manifest: Manifest | undefined;
}

/** Looks at a checkpoint; its files are read as a whole. */
export async function checkCheckpoint(
  path: string,
): Promise<CheckedCheckpoint> {
  let manifest: Manifest | undefined;
  try {
    manifest = await readManifest(join(path, CHECKPOINT_FILE.manifest));
  } catch (error) {
    if (!(error instanceof NotFound)) {
      return { faults: [messageOf(error)], manifest };
    }
  }
  const faults = manifest
    ? [
      ...stepFaults(path, manifest),
      ...await foundBy(() => manifestFaults(path, manifest!)),
    ]
    : [];
  // what was not as written says more than what cannot be read because of it
  if (faults.length > 0) return { faults, manifest };
  return {
    faults: [
      ...await foundBy(async () => void await readState(path)),
      ...await foundBy(async () => void await openOptimizerTensors(path)),
      ...await foundBy(async () => void await readTexts(path)),
    ],
    manifest,
  };
}

function stepFaults(path: string, { step }: Manifest): string[] {
  const named = checkpointStep(basename(path)) ?? step;
  return step === named ? [] : [
    `"${CHECKPOINT_FILE.manifest}" is of step ${step}, expected ${named}`,
  ];
}

async function readTexts(path: string): Promise<void> {
  for (const file of [CHECKPOINT_FILE.options, CHECKPOINT_FILE.inputs]) {
    await readJsonObjectIfThere(join(path, file));
  }
}

/** The faults that work finds, or the one that ends it. */
async function foundBy(
  work: () => Promise<string[] | void>,
): Promise<string[]> {
  try {
    return await work() ?? [];
  } catch (error) {
    return [messageOf(error)];
  }
}

function messageOf(error: unknown): string {
  if (error instanceof NotCapable) throw error;
  return error instanceof Error ? error.message : String(error);
}
