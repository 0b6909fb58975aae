/**
 * Writes files and folders that appear complete or not at all: they are written beside their place
 * under a temporary name, flushed to the disk, and then renamed. A reader never sees an incomplete
 * one.
 */
import { basename, dirname, join } from "@std/path";
import {
  disk,
  type DiskFile,
  NotCapable,
  NotFound,
  PermissionDenied,
} from "../disk.ts";
import { writeAll } from "./whole_file.ts";

/** A path in the same folder as `path` that no other writer uses. */
function temporarySibling(path: string): string {
  const mark = crypto.randomUUID().slice(0, 8);
  return join(dirname(path), `.${basename(path)}.${mark}.tmp`);
}

async function removeIfThere(path: string): Promise<void> {
  await disk().remove(path, { recursive: true }).catch((error) => {
    if (!(error instanceof NotFound)) throw error;
  });
}

/** Makes a folder and all folders above it; an error names the path. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await disk().makeFolder(path);
  } catch (error) {
    if (error instanceof NotCapable) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new PermissionDenied(
      `Cannot make folder "${path}": ${reason}`,
    );
  }
}

/**
 * Writes a file atomically: text, bytes, or whatever `data` writes into the open file.
 * The folder above is made if it is not there; an older file is replaced.
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array | ((file: DiskFile) => Promise<void>),
): Promise<void> {
  await makeFolder(dirname(path));
  const temporary = temporarySibling(path);
  try {
    {
      using file = await disk().open(temporary, {
        write: true,
        createNew: true,
      });
      if (typeof data === "function") await data(file);
      else if (typeof data === "string") {
        await writeAll(file, new TextEncoder().encode(data));
      } else await writeAll(file, data);
      await file.sync();
    }
    await disk().rename(temporary, path);
  } catch (error) {
    await removeIfThere(temporary);
    throw error;
  }
}

/** Flushes every file below a folder to the disk. */
async function syncFolder(path: string): Promise<void> {
  for await (const entry of disk().list(path)) {
    const child = join(path, entry.name);
    if (entry.isDirectory) await syncFolder(child);
    else if (entry.isFile) {
      using file = await disk().open(child, { write: true });
      await file.sync();
    }
  }
}

/**
 * Writes a folder atomically: `fill` writes into a temporary sibling, which then takes the name. An
 * older folder steps aside by a rename first and is removed last; if `fill` fails it stays as it
 * was.
 */
export async function writeFolderAtomic(
  path: string,
  fill: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = temporarySibling(path);
  await makeFolder(temporary);
  try {
    await fill(temporary);
    await syncFolder(temporary);
    await replaceFolder(path, temporary);
  } catch (error) {
    await removeIfThere(temporary);
    throw error;
  }
}

/**
 * Renames `fresh` to `path`. An existing folder is renamed first, since a folder cannot replace
 * another.
 */
async function replaceFolder(path: string, fresh: string): Promise<void> {
  const old = temporarySibling(path);
  let hadOld = true;
  await disk().rename(path, old).catch((error) => {
    if (!(error instanceof NotFound)) throw error;
    hadOld = false;
  });
  try {
    await disk().rename(fresh, path);
  } catch (error) {
    if (hadOld) await disk().rename(old, path);
    throw error;
  }
  if (hadOld) await removeIfThere(old);
}
