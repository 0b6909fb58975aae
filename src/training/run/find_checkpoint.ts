/** Which checkpoint of a run's folder it goes on from. Knows no device. */
import { basename, dirname, join } from "@std/path";
import { tell } from "../../base/notes.ts";
import { NotFound } from "../../files/disk.ts";
import { CHECKPOINT_FILE } from "../../files/file_names.ts";
import {
  type CheckpointFolder,
  listCheckpoints,
} from "../../files/folders/checkpoints.ts";
import { type Manifest, readManifest } from "../../files/folders/manifest.ts";
import { isTold } from "../../files/told_disk.ts";
import { checkCheckpoint } from "../checkpoint/checkpoint_faults.ts";

/** A checkpoint that is whole. */
export interface FoundCheckpoint {
  readonly path: string;
  /** Names the run that wrote it; undefined if an earlier version did. */
  readonly run: string | undefined;
  /** Hash of the run's rows of metrics up to there; undefined if it is not known. */
  readonly metrics: string | undefined;
}

/**
 * The checkpoint to go on from: the one named, or the run's newest that is whole. One that is
 * passed over is told, with what is wrong.
 *
 * @throws {NotFound} if there is none; TypeError if none is whole, naming the files
 */
export async function findCheckpoint(
  folder: string,
  wanted: boolean | string,
): Promise<FoundCheckpoint | undefined> {
  if (wanted === false) return undefined;
  if (typeof wanted === "string") return await namedCheckpoint(wanted);
  const all = await listCheckpoints(folder);
  if (all.length === 0) {
    throw new NotFound(
      `Cannot resume "${folder}": it has no checkpoint-<step> folder; start without resume_from_checkpoint`,
    );
  }
  const passed: string[] = [];
  for (const { path } of all.toReversed()) {
    const { faults, manifest } = await checkCheckpoint(path);
    if (faults.length === 0) {
      await tellOtherRuns(path, manifest, all);
      if (passed.length > 0) {
        tell(
          `${
            passed.join("; ")
          }: the run goes on from "${path}", the newest that is whole`,
        );
      }
      return found(path, manifest);
    }
    passed.push(`"${path}" is damaged (${faults.join("; ")})`);
  }
  throw new TypeError(
    `Cannot resume "${folder}": ${
      passed.join("; ")
    }; no checkpoint is whole: bring one back from a copy, or begin anew with overwrite_output_dir`,
  );
}

/** Tells of checkpoints of other runs beside one: an older run's may have been copied there. */
async function tellOtherRuns(
  path: string,
  manifest: Manifest | undefined,
  all: readonly CheckpointFolder[],
): Promise<void> {
  if (manifest === undefined) return;
  for (const other of all) {
    if (other.path === path) continue;
    const file = join(other.path, CHECKPOINT_FILE.manifest);
    const its = await readManifest(file).catch((error) => {
      if (isTold(error)) tell(error.message);
      return undefined;
    });
    if (its === undefined || its.run === manifest.run) continue;
    tell(
      `"${path}" and "${other.path}" are of different runs: the run goes on from the first, the newer one; remove it if it is not meant`,
    );
  }
}

async function namedCheckpoint(path: string): Promise<FoundCheckpoint> {
  const { faults, manifest } = await checkCheckpoint(path);
  if (faults.length === 0) return found(path, manifest);
  const others = (await listCheckpoints(dirname(path)))
    .filter((one) => basename(one.path) !== basename(path));
  const advice = others.length === 0
    ? "bring it back from a copy"
    : "set resume_from_checkpoint alone, which takes the newest that is whole";
  throw new TypeError(
    `Cannot resume from "${path}": ${faults.join("; ")}; ${advice}`,
  );
}

function found(
  path: string,
  manifest: Manifest | undefined,
): FoundCheckpoint {
  if (manifest === undefined) {
    tell(
      `"${path}" has no manifest.json, as checkpoints of earlier versions, so its files are taken as they are`,
    );
  }
  return { path, run: manifest?.run, metrics: manifest?.metrics };
}
