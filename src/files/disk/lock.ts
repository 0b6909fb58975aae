/**
 * One writer a place: a lock of the operating system on a file that says who holds it. It ends with
 * its process, in whatever way that ends, so a file that is left over locks nobody out.
 *
 * On Windows a locked file cannot be read, so the holder is not named there. On NFS the lock holds
 * between machines if the server serves locks, and on this machine alone otherwise.
 */
import { basename, dirname, join } from "@std/path";
import { tell } from "../../base/notes.ts";
import {
  disk,
  type DiskFile,
  type DiskProgram,
  NotCapable,
  NotFound,
} from "../disk.ts";
import { LOCK_FILE } from "../file_names.ts";
import {
  makeFolder,
  missingFolders,
  removeLink,
  sweepTemporary,
} from "./atomic.ts";
import { isJsonObject } from "./json_file.ts";
import { readTextIfThere, writeAll } from "./whole_file.ts";

/** Who holds a lock. */
interface Holder extends DiskProgram {
  /** Since when, as ISO 8601 has it. */
  readonly start: string;
}

/**
 * Keeps other programs, and other runs of this one, from writing into a folder, which is made if it
 * does not exist.
 *
 * @param sweeps names whose temporary files and folders go, since killed programs left them
 * @param make makes the folder, and may look whether it can be used
 * @throws {Error} naming process, machine and time of the one that writes there
 */
export async function lockFolder(
  folder: string,
  sweeps: (name: string) => boolean = () => false,
  make?: (folder: string) => Promise<void>,
): Promise<AsyncDisposable> {
  return await inFolder(
    folder,
    () =>
      lock(
        join(folder, LOCK_FILE),
        folder,
        () => sweepTemporary(folder, sweeps),
      ),
    make,
  );
}

/**
 * The same for a file, or a folder that appears as a whole: the locked file lies beside it. What
 * killed programs left of it under temporary names goes.
 *
 * @throws {Error} as `lockFolder()` does
 */
export async function lockOutput(path: string): Promise<AsyncDisposable> {
  const [folder, name] = [dirname(path), basename(path)];
  return await inFolder(
    folder,
    () =>
      lock(
        join(folder, `.${name}.lock`),
        path,
        () => sweepTemporary(folder, (one) => one === name),
      ),
  );
}

/** Locks in a folder, which is made. Work that leaves nothing there leaves no folder either. */
async function inFolder(
  folder: string,
  take: () => Promise<AsyncDisposable>,
  make: (folder: string) => Promise<void> = makeFolder,
): Promise<AsyncDisposable> {
  const made = await missingFolders(folder);
  try {
    await make(folder);
    const held = await take();
    return {
      async [Symbol.asyncDispose]() {
        await held[Symbol.asyncDispose]();
        await removeEmpty(made);
      },
    };
  } catch (error) {
    await removeEmpty(made);
    throw error;
  }
}

/** Removes folders that hold nothing, up to the first that holds something. */
async function removeEmpty(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    try {
      await disk().remove(folder);
    } catch {
      return; // it holds something, or cannot be removed and harms nobody
    }
  }
}

/**
 * Fails if another program writes into a folder, which need not exist.
 *
 * @throws {Error} as `lockFolder()` does
 */
export async function checkUnlocked(folder: string): Promise<void> {
  try {
    await disk().stat(folder);
  } catch (error) {
    if (error instanceof NotFound) return;
    throw error;
  }
  await using _free = await lock(join(folder, LOCK_FILE), folder);
}

/**
 * @param place what the file stands for
 * @param sweep called once nobody else writes there
 */
async function lock(
  path: string,
  place: string,
  sweep?: () => Promise<void>,
): Promise<AsyncDisposable> {
  while (true) {
    let file: DiskFile;
    try {
      await removeLink(path);
      file = await disk().open(path, { read: true, write: true, create: true });
    } catch (error) {
      // a program that may write nothing but its output has no place for the file
      if (error instanceof NotCapable) return unlocked(path, error);
      throw error;
    }
    const held = await hold(file, path, place, sweep).catch((error) => {
      file[Symbol.dispose]();
      throw error;
    });
    if (held !== undefined) return held;
    file[Symbol.dispose]();
  }
}

/** Undefined if the file was removed, by the one that held it before, while it was being locked. */
async function hold(
  file: DiskFile,
  path: string,
  place: string,
  sweep: () => Promise<void> = () => Promise.resolve(),
): Promise<AsyncDisposable | undefined> {
  let isLocked = true;
  if (file.lock !== undefined) {
    const isOurs = await file.lock().catch((error) => error as Error);
    if (isOurs === false) throw await busy(path, place);
    if (isOurs instanceof Error) {
      isLocked = false;
      tellUnlocked(path, isOurs);
    }
  }
  if (await file.isAt?.(path) === false) return undefined;
  const { pid, host } = disk().program ?? { pid: 0, host: null };
  const holder: Holder = { pid, host, start: new Date().toISOString() };
  await file.truncate(0);
  await writeAll(file, new TextEncoder().encode(JSON.stringify(holder) + "\n"));
  if (isLocked) await sweep();
  return {
    async [Symbol.asyncDispose]() {
      // removed first: whoever locks the nameless file afterwards sees that, and makes a new one
      await removeOwn(file, path);
      file[Symbol.dispose]();
    },
  };
}

/**
 * Removes the file, unless another one has its name: its folder may have been replaced. One that
 * cannot be removed harms nobody.
 */
async function removeOwn(file: DiskFile, path: string): Promise<void> {
  try {
    const isOurs = file.isAt === undefined || await file.isAt(path);
    if (isOurs) await disk().remove(path);
  } catch {
    return;
  }
}

function unlocked(path: string, why: Error): AsyncDisposable {
  tellUnlocked(path, why);
  return { [Symbol.asyncDispose]: () => Promise.resolve() };
}

function tellUnlocked(path: string, { message }: Error): void {
  tell(
    `"${path}" cannot be locked (${message}), so nothing keeps a second program from writing to the same place`,
  );
}

async function busy(path: string, place: string): Promise<Error> {
  const holder = await readHolder(path);
  const who = holder === undefined
    ? "another program writes there"
    : `process ${holder.pid}${
      holder.host === null ? "" : ` on "${holder.host}"`
    } has been writing there since ${holder.start}`;
  return new Error(
    `Cannot write to "${place}": ${who}; wait for its end, or choose another place`,
  );
}

/** How often the file is read until its holder has written it, and the wait between, in ms. */
const READS = { count: 20, wait: 25 };

/** Who holds a lock; undefined if the file cannot be read. */
async function readHolder(path: string): Promise<Holder | undefined> {
  for (let i = 0; i < READS.count; i++) {
    const holder = parseHolder(await readTextIfThere(path).catch(() => ""));
    if (holder !== undefined) return holder;
    await new Promise((resolve) => setTimeout(resolve, READS.wait));
  }
  return undefined;
}

function parseHolder(text = ""): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isJsonObject(value)) return undefined;
    const { pid, host, start } = value;
    if (typeof pid !== "number" || typeof start !== "string") return undefined;
    return { pid, host: typeof host === "string" ? host : null, start };
  } catch {
    return undefined; // it is being written
  }
}
