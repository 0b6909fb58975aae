/**
 * Finds and removes the folders `checkpoint-<step>` of a run. They are written atomically (see
 * `writeFolderAtomic()`), so one that exists is complete.
 */
import { join } from "@std/path";
import { removeFolder } from "../disk/atomic.ts";
import { disk, NotFound } from "../disk.ts";

/** A checkpoint of a run. */
export interface CheckpointFolder {
  /** Number of optimizer steps before the checkpoint. */
  readonly step: number;
  /** Its folder. */
  readonly path: string;
}

/** The folder of the checkpoint after `step` steps. */
export function checkpointPath(run: string, step: number): string {
  return join(run, `checkpoint-${step}`);
}

/** The step in the name of a checkpoint's folder; undefined for other names. */
export function checkpointStep(name: string): number | undefined {
  const step = /^checkpoint-(\d+)$/.exec(name)?.[1];
  return step === undefined ? undefined : Number(step);
}

/** The checkpoints of a run in the order of their steps; none if the folder does not exist. */
export async function listCheckpoints(
  run: string,
): Promise<CheckpointFolder[]> {
  const found: CheckpointFolder[] = [];
  try {
    for await (const { name, isDirectory } of disk().list(run)) {
      const step = checkpointStep(name);
      if (isDirectory && step !== undefined) {
        found.push({ step, path: join(run, name) });
      }
    }
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
  }
  return found.sort((a, b) => a.step - b.step);
}

/**
 * Removes the oldest checkpoints until `limit` are left.
 *
 * @param isKept whether the checkpoint of a step is never removed, such as the best one
 * @returns the paths removed
 */
export async function removeOldCheckpoints(
  run: string,
  limit: number,
  isKept: (step: number) => boolean = () => false,
): Promise<string[]> {
  const all = await listCheckpoints(run);
  const removable = all.filter(({ step }) => !isKept(step));
  const doomed = removable.slice(0, Math.max(0, all.length - limit));
  for (const { path } of doomed) await removeFolder(path);
  return doomed.map(({ path }) => path);
}
