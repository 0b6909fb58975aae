/**
 * Hashes of large files, remembered by path, size and time of change, so that weights are read once
 * and not at each start.
 */
import { join } from "@std/path";
import { writeFileAtomic } from "./atomic.ts";
import { disk, NotCapable, NotFound, PermissionDenied } from "../disk.ts";
import { startHash } from "./hash.ts";
import { readText } from "./whole_file.ts";

const BUFFER_BYTES = 1 << 20;

/**
 * The sha256 of a file, in hexadecimal.
 *
 * @param cacheFolder folder in which hashes are remembered; undefined: they are not
 */
export async function fileHash(
  path: string,
  cacheFolder?: string,
): Promise<string> {
  const { size, mtime } = await disk().stat(path);
  if (mtime === null || cacheFolder === undefined) return await hashFile(path);
  const state = [await disk().realPath(path), size, mtime.getTime()].join("\0");
  const name = startHash("sha256").update(state).digest("hex");
  const note = join(cacheFolder, `${name}.sha256`);
  const known = await readNote(note);
  if (known !== undefined) return known;
  const hash = await hashFile(path);
  await writeFileAtomic(note, hash).catch((error) => {
    if (!isOutOfReach(error)) throw error; // it is hashed again next time
  });
  return hash;
}

/** Whether the folder cannot be read or written. */
function isOutOfReach(error: unknown): boolean {
  return error instanceof NotCapable ||
    error instanceof PermissionDenied;
}

/** Reads a remembered hash; undefined if the file is missing or malformed. */
async function readNote(path: string): Promise<string | undefined> {
  try {
    const text = await readText(path);
    return /^[0-9a-f]{64}$/.test(text) ? text : undefined;
  } catch (error) {
    if (error instanceof NotFound || isOutOfReach(error)) {
      return undefined;
    }
    throw error;
  }
}

/** The sha256 of a file, in hexadecimal; all of it is read. */
export async function hashFile(path: string): Promise<string> {
  const hash = startHash("sha256");
  const buffer = new Uint8Array(BUFFER_BYTES);
  using file = await disk().open(path);
  let count: number | null;
  while ((count = await file.read(buffer)) !== null) {
    hash.update(buffer.subarray(0, count));
  }
  return hash.digest("hex");
}
