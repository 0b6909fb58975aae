/**
 * Writes files and, last, the manifest that says what they are. Knows no layout.
 */
import { join } from "@std/path";
import { type FileWriter, writeFileAtomic } from "../../files/disk/atomic.ts";
import { hashedFiles } from "../../files/disk/hashed_files.ts";
import { disk, NotFound } from "../../files/disk.ts";
import { RUN_FILE } from "../../files/file_names.ts";
import { type Manifest, manifestJson } from "../../files/folders/manifest.ts";
import { type PlannedFile, writeFiles } from "./planned_file.ts";

/** What a manifest says beside the files. */
export type Named = Omit<Manifest, "files">;

/**
 * Writes files into a folder that has no name yet.
 *
 * @param write how each is written; by default as new files, which are not flushed
 */
export async function writeManifested(
  folder: string,
  planned: readonly PlannedFile[],
  named: Named,
  write?: FileWriter,
): Promise<void> {
  const hashed = hashedFiles(write);
  await writeFiles(folder, planned, hashed.write);
  const files = Object.fromEntries(planned.flatMap(({ file }) => {
    const hash = hashed.hashes.get(join(folder, file));
    return hash ? [[file, hash]] : []; // some are copied only if they are there
  }));
  const json = manifestJson({ ...named, files });
  await writeFiles(folder, [{ file: RUN_FILE.manifest, json }], hashed.write);
}

/**
 * Replaces files of a folder that others read. The manifest of earlier ones goes first, which would
 * call the new ones damaged if the program ended in between.
 */
export async function replaceManifested(
  folder: string,
  planned: readonly PlannedFile[],
  named: Named,
): Promise<void> {
  await disk().remove(join(folder, RUN_FILE.manifest)).catch((error) => {
    if (!(error instanceof NotFound)) throw error;
  });
  await writeManifested(folder, planned, named, writeFileAtomic);
}
