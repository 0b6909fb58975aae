/**
 * Writes files and folders that appear complete or not at all: they are written beside their place
 * under a temporary name, flushed to the disk, and then renamed. A reader never sees an incomplete
 * one.
 */
import { basename, dirname, join } from "@std/path";
import {
  disk,
  NotCapable,
  NotFound,
  PermissionDenied,
  type WritableFile,
} from "../disk.ts";
import { TEMPORARY_NAME } from "../file_names.ts";
import { isTold } from "../told_disk.ts";
import { writeAll } from "./whole_file.ts";

/**
 * What is written into a file: text, bytes, or whatever a function writes into the open file, which
 * lies at `path` until it is whole.
 */
export type FileData =
  | string
  | Uint8Array
  | ((file: WritableFile, path: string) => Promise<void>);

/** Writes a file, for example `writeFileAtomic()`. */
export type FileWriter = (path: string, data: FileData) => Promise<void>;

/**
 * A path in the same folder as `path` that no other writer uses.
 *
 * @param ending `tmp` for what is not whole yet or goes; `old` for what must not be lost
 */
export function temporarySibling(
  path: string,
  ending: "tmp" | "old" = "tmp",
): string {
  const mark = crypto.randomUUID().slice(0, 8);
  return join(dirname(path), `.${basename(path)}.${mark}.${ending}`);
}

async function removeIfThere(path: string): Promise<void> {
  await disk().remove(path, { recursive: true }).catch((error) => {
    if (!(error instanceof NotFound)) throw error;
  });
}

/**
 * Removes what failed work leaves, if the disk still lets it: what failed first is to be told, and
 * the next start sweeps what stays.
 */
export async function tidyAway(temporary: string): Promise<void> {
  await removeIfThere(temporary).catch(() => {});
}

/**
 * Removes a link at a path, so that what is opened there next is a file of this folder and not what
 * the link leads to.
 */
export async function removeLink(path: string): Promise<void> {
  if (await disk().isLink?.(path)) await removeIfThere(path);
}

/**
 * Makes a folder and all folders above it, each of which survives a power cut; an error names the
 * path.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    const fresh = await missingFolders(path);
    await disk().makeFolder(path);
    for (const one of fresh) await disk().syncFolder?.(dirname(one));
  } catch (error) {
    if (error instanceof NotCapable || isTold(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new PermissionDenied(
      `Cannot make folder "${path}": ${reason}`,
    );
  }
}

/** The folder and those above it that do not exist, the innermost first. */
export async function missingFolders(folder: string): Promise<string[]> {
  const missing: string[] = [];
  for (let path = folder; dirname(path) !== path; path = dirname(path)) {
    // one that cannot be looked at is not known to be missing
    const error = await disk().stat(path).then(() => undefined, (e) => e);
    if (!(error instanceof NotFound)) break;
    missing.push(path);
  }
  return missing;
}

/** Writes what `data` stands for into an open file, which has the name `path`. */
export async function writeData(
  file: WritableFile,
  data: FileData,
  path: string,
): Promise<void> {
  if (typeof data === "function") await data(file, path);
  else if (typeof data === "string") {
    await writeAll(file, new TextEncoder().encode(data));
  } else await writeAll(file, data);
}

/**
 * Writes a file atomically. The folder above is made if it is not there; an older file is replaced,
 * and so is a link, which is never followed.
 */
export async function writeFileAtomic(
  path: string,
  data: FileData,
): Promise<void> {
  await makeFolder(dirname(path));
  const temporary = temporarySibling(path);
  try {
    {
      using file = await disk().open(temporary, {
        write: true,
        createNew: true,
      });
      await writeData(file, data, temporary);
      await file.sync();
    }
    await takeName(temporary, path);
  } catch (error) {
    await tidyAway(temporary);
    throw error;
  }
}

/** Gives a file that is whole and flushed its name, which then survives a power cut. */
export async function takeName(file: string, name: string): Promise<void> {
  await disk().rename(file, name);
  await disk().syncFolder?.(dirname(name));
}

/** Flushes a folder, with every file below it, to the disk. */
async function syncFolder(path: string): Promise<void> {
  for await (const entry of disk().list(path)) {
    const child = join(path, entry.name);
    if (entry.isDirectory) await syncFolder(child);
    else if (entry.isFile) {
      using file = await disk().open(child, { write: true });
      await file.sync();
    }
  }
  await disk().syncFolder?.(path);
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
    await tidyAway(temporary);
    throw error;
  }
}

/**
 * Renames `fresh` to `path`. An existing folder is renamed first, since a folder cannot replace
 * another.
 */
async function replaceFolder(path: string, fresh: string): Promise<void> {
  const old = temporarySibling(path, "old");
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
  await disk().syncFolder?.(dirname(path));
  if (hadOld) await removeIfThere(old);
}

/** Removes a folder or file so that nobody ever sees a part of it under its name. */
export async function removeFolder(path: string): Promise<void> {
  const temporary = temporarySibling(path);
  await disk().rename(path, temporary);
  await disk().remove(temporary, { recursive: true });
}

/**
 * Removes what killed programs left half done in a folder, and gives back what they had put aside.
 * To be called by the one that has the lock of what is written there.
 *
 * @param isOurs whether the lock is for the file or folder of this name
 */
export async function sweepTemporary(
  folder: string,
  isOurs: (name: string) => boolean,
): Promise<void> {
  const names = new Set<string>();
  try {
    for await (const { name } of disk().list(folder)) names.add(name);
  } catch (error) {
    if (error instanceof NotFound) return;
    throw error;
  }
  for (const name of names) {
    // what is made whole under a temporary name may have a lock beside it
    const locked = /^\.(\..+)\.lock$/.exec(name)?.[1];
    const [, target = "", ending] = TEMPORARY_NAME.exec(locked ?? name) ?? [];
    // a file that is written atomically under a temporary name has two of them
    const meant = TEMPORARY_NAME.exec(target)?.[1] ?? target;
    if (ending === undefined || !isOurs(meant)) continue;
    const path = join(folder, name);
    if (ending === "old" && !locked && !names.has(target)) {
      await disk().rename(path, join(folder, target));
      names.add(target);
    } else await removeIfThere(path);
  }
}
