/** Whether a file of a download is still what its hub had: the record of a folder above it says. */
import { dirname, join, relative } from "@std/path";
import { tell } from "../../base/notes.ts";
import { disk, NotCapable } from "../disk.ts";
import { difference, measureFile } from "./checksum.ts";
import { MANIFEST, readRecord, type RepoRecord } from "./repo_record.ts";

/** Most folders between a file and the record of its download. */
const DEPTH = 6;

/** The record of a folder; none where the program may not look. */
async function recordThere(folder: string): Promise<RepoRecord | undefined> {
  try {
    return await readRecord(folder);
  } catch (error) {
    if (error instanceof NotCapable) return undefined;
    throw error;
  }
}

/**
 * Tells that a file is not what was downloaded: people edit their rows, and disks damage them.
 *
 * @param sha256 of the file as it is, in hexadecimal
 */
export async function tellChangedDownload(
  path: string,
  sha256: string,
): Promise<void> {
  let folder = dirname(path);
  for (let depth = 0; depth < DEPTH; depth++) {
    const record = await recordThere(folder);
    if (record !== undefined) {
      const name = relative(folder, path).replaceAll("\\", "/");
      const contents = record.files.get(name) ?? [];
      if (contents.length === 0 || contents.some((c) => c.sha256 === sha256)) {
        return;
      }
      const { size } = await disk().stat(path);
      const found = await measureFile(path, size);
      const faults = contents.map((one) => found && difference(found, one));
      if (faults.includes(undefined)) return;
      return tell(
        `"${path}" was changed or damaged since it was downloaded: ${
          faults[0]
        } ("${join(folder, MANIFEST)}" says so); it is taken as it is`,
      );
    }
    if (folder === dirname(folder)) return;
    folder = dirname(folder);
  }
}
