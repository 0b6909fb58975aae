/**
 * Files of a cache, which save time and nothing else: one that cannot be read is as good as absent,
 * one that cannot be written is not kept, and both are told in one line. Knows no content.
 */
import { dirname } from "@std/path";
import { tell } from "../../base/notes.ts";
import { disk, NotCapable, NotFound } from "../disk.ts";
import { type FileData, writeFileAtomic } from "./atomic.ts";
import { readFileIfThere } from "./whole_file.ts";

/** All bytes of a file; undefined if it is not there or cannot be read. */
export async function readCacheFile(
  path: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    // what is neither file nor folder might never end
    if (!(await disk().stat(path)).isFile) {
      tellDamaged(path, "not a file");
      return undefined;
    }
    const bytes = await readFileIfThere(path);
    // its time says when it was last of use; a task that may not write there says nothing
    await disk().touch?.(path).catch(() => {});
    return bytes;
  } catch (error) {
    // a folder that is a file is told when something is to be written there
    const isAbsent = error instanceof NotFound || error instanceof NotCapable ||
      await kindOf(dirname(path)) !== "folder";
    if (!isAbsent) {
      tell(`"${path}" cannot be read (${reasonOf(error)}); it is made again`);
    }
    return undefined;
  }
}

/** Writes a file atomically, if that can be done. */
export async function keepCacheFile(
  path: string,
  data: FileData,
): Promise<void> {
  try {
    // a file cannot replace a folder, and nothing but files belongs there
    if (await kindOf(path) === "folder") {
      await disk().remove(path, { recursive: true });
    }
    await writeFileAtomic(path, data);
  } catch (error) {
    await tellUnkept(path, error);
  }
}

/**
 * Tells that a file cannot be written: once for all folders of a cache, so without the file's name.
 * A task that may not write there, such as `inspect`, is not told so.
 */
async function tellUnkept(path: string, error: unknown): Promise<void> {
  if (error instanceof NotCapable) return;
  const folder = dirname(path);
  const cache = dirname(folder);
  const wrong = await obstacle(cache) ?? await obstacle(folder);
  const what = wrong ?? `"${cache}" cannot be written (${reasonOf(error)})`;
  tell(`${what}; the run goes on, and the next one computes it again`);
}

/** Says that something is in the way where a folder should be. */
async function obstacle(folder: string): Promise<string | undefined> {
  const kind = await kindOf(folder);
  if (kind === "file") {
    return `"${folder}" is a file, where the folder of a cache should be: remove it`;
  }
  if (kind === "none" && await disk().isLink?.(folder).catch(() => false)) {
    return `"${folder}" is a link to nothing, where the folder of a cache should be`;
  }
  return undefined;
}

async function kindOf(path: string): Promise<"file" | "folder" | "none"> {
  try {
    return (await disk().stat(path)).isDirectory ? "folder" : "file";
  } catch {
    return "none";
  }
}

/** The system's own words, without the path of a temporary file. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return /[^:]*\(os error \d+\)/.exec(text)?.[0].trim() ?? text;
}

/** Why a file of a cache is not used. */
const WRONG = {
  damaged: "is not what was written there",
  earlier: "is of an earlier version, which kept no hash of it",
  "not a file": "is not a file",
} as const;

/**
 * Tells that a file is not used but made again.
 *
 * @param what it holds
 */
export function tellDamaged(
  path: string,
  wrong: keyof typeof WRONG,
  what = "it",
): void {
  tell(
    `"${path}" ${WRONG[wrong]}; ${
      what === "it" ? "it is" : `its ${what} are`
    } made again`,
  );
}
