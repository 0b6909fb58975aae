/**
 * A folder as a list of files that are to be written, and the one writer of such lists. Knows no
 * layout: which files there are is said by `saved_model.ts` and `checkpoint_files.ts`.
 */
import { join } from "@std/path";
import { type FileWriter, writeFileAtomic } from "../../files/disk/atomic.ts";
import { readFileIfThere } from "../../files/disk/whole_file.ts";
import { writeSafetensors } from "../../files/safetensors/safetensors_writer.ts";
import type { ExportedTensor } from "../../model/saving/export.ts";

/** A file that is to be written: its name, and what will stand in it. */
export type PlannedFile = { readonly file: string } & Content;

/** What stands in a file. */
type Content =
  | { readonly tensors: readonly ExportedTensor[] }
  | { readonly json: unknown }
  | { readonly text: string }
  /** The bytes of the file of the same name in another folder; left out if that has none. */
  | { readonly copiedFrom: string };

/**
 * Writes files into a folder, one after another; a file may lie in a folder within it.
 *
 * @param write how each is written; atomically by default
 */
export async function writeFiles(
  folder: string,
  files: readonly PlannedFile[],
  write: FileWriter = writeFileAtomic,
): Promise<void> {
  for (const planned of files) {
    await writePlanned(join(folder, planned.file), planned, write);
  }
}

async function writePlanned(
  path: string,
  planned: PlannedFile,
  write: FileWriter,
): Promise<void> {
  if ("tensors" in planned) await writeTensors(path, planned.tensors, write);
  else if ("json" in planned) {
    await write(path, JSON.stringify(planned.json, null, 2) + "\n");
  } else if ("text" in planned) await write(path, planned.text);
  else {
    const bytes = await readFileIfThere(join(planned.copiedFrom, planned.file));
    if (bytes !== undefined) await write(path, bytes);
  }
}

/** Writes tensors piece by piece: no more than one of them is in memory. */
async function writeTensors(
  path: string,
  tensors: readonly ExportedTensor[],
  write: FileWriter,
): Promise<void> {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  await writeSafetensors(
    path,
    tensors,
    ({ name }) => byName.get(name)!.bytes(),
    undefined,
    write,
  );
}
