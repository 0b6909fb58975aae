/**
 * Hashes of large files, remembered as long as a file stays what it was, so that weights are read
 * once and not at each start. A file is the same if its path, size, times of change and number on
 * the disk are. Windows knows neither the number nor a time that programs cannot set: there a file
 * of equal path, size and `mtime` counts as the same.
 */
import { join } from "@std/path";
import { disk, type DiskEntry } from "../disk.ts";
import { keepCacheFile, readCacheFile, tellDamaged } from "./cache_file.ts";
import { startHash } from "./hash.ts";

const BUFFER_BYTES = 1 << 20;

/**
 * How long a file must have been at rest, in ms, before its hash is remembered: times of change are
 * rounded to up to 2 s (FAT), and a second change within that time would not show.
 */
const REST = 2000;

/**
 * The sha256 of a file, in hexadecimal.
 *
 * @param cacheFolder folder in which hashes are remembered; undefined: they are not
 */
export async function fileHash(
  path: string,
  cacheFolder?: string,
): Promise<string> {
  const entry = await disk().stat(path);
  if (entry.mtime === null || cacheFolder === undefined) {
    return await hashFile(path);
  }
  const place = await disk().realPath(path);
  const name = startHash("sha256").update(stateOf(place, entry)).digest("hex");
  const note = join(cacheFolder, `${name}.sha256`);
  const known = await readNote(note, name);
  if (known !== undefined) return known;
  const start = Date.now();
  const hash = await hashFile(path);
  const isSame =
    stateOf(place, await disk().stat(path)) === stateOf(place, entry);
  const changed = (entry.ctime ?? entry.mtime).getTime();
  if (isSame && start - changed > REST) {
    await keepCacheFile(note, noteOf(name, hash, place));
  }
  return hash;
}

function stateOf(place: string, entry: DiskEntry): string {
  const { size, mtime, ctime, ino } = entry;
  return JSON.stringify([
    place,
    size,
    mtime?.getTime() ?? null,
    ctime?.getTime() ?? null,
    ino ?? null,
  ]);
}

/** Three lines: the file's hash, its path for the reader, and a hash of name and lines. */
function noteOf(name: string, hash: string, place: string): string {
  const text = `${hash}\n${JSON.stringify(place)}\n`;
  return `${text}${startHash("sha256").update(name + text).digest("hex")}\n`;
}

/** What a note says: the hash of a file, and the file's path; undefined if it is damaged. */
export function parseNote(
  text: string,
  name: string,
): { readonly hash: string; readonly place: string } | undefined {
  try {
    const [hash = "", place = ""] = text.split("\n");
    const path: unknown = JSON.parse(place);
    return typeof path === "string" && noteOf(name, hash, path) === text
      ? { hash, place: path }
      : undefined;
  } catch {
    return undefined;
  }
}

async function readNote(
  path: string,
  name: string,
): Promise<string | undefined> {
  const bytes = await readCacheFile(path);
  if (bytes === undefined) return undefined;
  const note = parseNote(new TextDecoder().decode(bytes), name);
  if (note === undefined) tellDamaged(path, "damaged");
  return note?.hash;
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
