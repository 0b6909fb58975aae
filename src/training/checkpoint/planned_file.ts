/**
 * A folder as a list of files that are to be written, and the one writer of such lists. Knows no
 * layout: which files there are is said by `saved_model.ts` and `checkpoint_files.ts`.
 */
import { dirname, join } from "@std/path";
import { disk } from "../../files/disk.ts";
import { writeText } from "../../files/disk/whole_file.ts";
import { copyTextFiles } from "../../files/folders/text_files.ts";
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

/** Writes files into a folder, one after another; a file may lie in a folder within it. */
export async function writeFiles(
  folder: string,
  files: readonly PlannedFile[],
): Promise<void> {
  for (const planned of files) await writePlanned(folder, planned);
}

async function writePlanned(
  folder: string,
  planned: PlannedFile,
): Promise<void> {
  const path = join(folder, planned.file);
  await disk().makeFolder(dirname(path));
  if ("tensors" in planned) await writeTensors(path, planned.tensors);
  else if ("json" in planned) {
    await writeText(path, JSON.stringify(planned.json, null, 2) + "\n");
  } else if ("text" in planned) await writeText(path, planned.text);
  else await copyTextFiles(planned.copiedFrom, folder, [planned.file]);
}

/** Writes tensors piece by piece: no more than one of them is in memory. */
async function writeTensors(
  path: string,
  tensors: readonly ExportedTensor[],
): Promise<void> {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  await writeSafetensors(
    path,
    tensors,
    ({ name }) => byName.get(name)!.bytes(),
  );
}
