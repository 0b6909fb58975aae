/** Which checkpoint of a run's folder it goes on from. Knows no device. */
import { NotFound } from "../../files/disk.ts";
import {
  type CheckpointFolder,
  listCheckpoints,
} from "../../files/folders/checkpoints.ts";

/**
 * The checkpoint to go on from: the one named, or the run's last.
 *
 * @throws {NotFound} if there is none
 */
export async function findCheckpoint(
  folder: string,
  wanted: boolean | string,
): Promise<string | undefined> {
  if (wanted === false) return undefined;
  if (typeof wanted === "string") return wanted;
  const last: CheckpointFolder | undefined = (await listCheckpoints(folder)).at(
    -1,
  );
  if (last) return last.path;
  throw new NotFound(
    `Cannot resume "${folder}": it has no checkpoint-<step> folder; start without resume_from_checkpoint`,
  );
}
