/**
 * What lies in the folder of caches, and its removal: what is damaged or serves nothing any more,
 * what was not used for long, and the least recently used beyond a number of bytes. Knows the kinds
 * of files by their places, and no content.
 */
import { join } from "@std/path";
import { disk, NotFound } from "../disk.ts";

/** What a cache holds. */
export type CacheKind =
  | "tokens"
  | "reference"
  | "hashes"
  | "kernels"
  | "shaders"
  | "other";

/** A file of a cache, or a folder that a driver keeps. */
export interface CacheEntry {
  readonly path: string;
  readonly kind: CacheKind;
  readonly bytes: number;
  /** When it was last written or read. */
  readonly used: Date;
}

/** Kinds whose files a run makes again by itself, at the cost of time. */
const CAPPED: readonly CacheKind[] = ["tokens", "reference", "hashes"];

const DAY = 24 * 60 * 60 * 1000;

/** The kind of a file, by its place below the folder of caches. */
function kindOf(place: readonly string[]): CacheKind {
  const [folder = "", name = ""] = place;
  if (name.endsWith(".sha256")) return "hashes";
  if (folder === "tokens" && name.endsWith(".tokens")) return "tokens";
  if (folder === "reference" && name.endsWith(".json")) return "reference";
  if (folder === "kernels") return "kernels";
  return /^mesa_\d+_bits$/.test(folder) ? "shaders" : "other";
}

/** The files below a folder, with their places. Links are neither followed nor told. */
async function* filesBelow(
  root: string,
  place: readonly string[] = [],
): AsyncGenerator<CacheEntry & { readonly place: readonly string[] }> {
  const folder = join(root, ...place);
  for await (const { name, isFile, isDirectory } of disk().list(folder)) {
    const inside = [...place, name];
    if (isDirectory) yield* filesBelow(root, inside);
    if (!isFile) continue;
    const path = join(folder, name);
    try {
      const { size, mtime } = await disk().stat(path);
      const used = mtime ?? new Date(0);
      yield { path, kind: kindOf(inside), bytes: size, used, place: inside };
    } catch (error) {
      if (!(error instanceof NotFound)) throw error; // somebody removed it
    }
  }
}

/** What the folder of caches holds, the most recently used first; nothing if it is not there. */
export async function cacheEntries(root: string): Promise<CacheEntry[]> {
  const found: CacheEntry[] = [];
  const shaders = new Map<string, CacheEntry>();
  try {
    for await (const { place, ...entry } of filesBelow(root)) {
      if (entry.kind !== "shaders") {
        found.push(entry);
        continue;
      }
      // a driver keeps thousands of small files, which serve together
      const path = join(root, place[0]!);
      const { bytes, used } = shaders.get(path) ??
        { bytes: 0, used: entry.used };
      shaders.set(path, {
        ...entry,
        path,
        bytes: bytes + entry.bytes,
        used: used > entry.used ? used : entry.used,
      });
    }
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
  }
  return [...found, ...shaders.values()].toSorted((a, b) =>
    b.used.getTime() - a.used.getTime()
  );
}

/** What may stay in a cache. */
export interface CacheLimits {
  /** Days since the last use. */
  readonly days?: number | undefined;
  /** Bytes of all entries together. */
  readonly bytes?: number | undefined;
}

/**
 * The entries that go: those that were not used for longer than `days`, then the least recently
 * used until the rest has at most `bytes`.
 *
 * @param entries the most recently used first
 */
export function beyondLimits<Entry extends CacheEntry>(
  entries: readonly Entry[],
  { days = Infinity, bytes = Infinity }: CacheLimits,
  now: Date = new Date(),
): Entry[] {
  let sum = 0;
  return entries.filter((entry) => {
    const age = (now.getTime() - entry.used.getTime()) / DAY;
    if (age > days || sum + entry.bytes > bytes) return true;
    sum += entry.bytes;
    return false;
  });
}

/** Removes entries; one that somebody else removed is gone as well. */
export async function removeEntries(
  entries: readonly CacheEntry[],
): Promise<void> {
  for (const { path } of entries) {
    await disk().remove(path, { recursive: true }).catch((error) => {
      if (!(error instanceof NotFound)) throw error;
    });
  }
}

/**
 * Keeps the caches of a run below a number of bytes. What was used since `since` stays, and so do
 * kernels and shaders, which are small and cost minutes.
 *
 * @returns what was removed
 */
export async function capCache(
  root: string,
  bytes: number,
  since: Date,
): Promise<CacheEntry[]> {
  const entries = (await cacheEntries(root)).filter(({ kind }) =>
    CAPPED.includes(kind)
  );
  const own = entries.filter(({ used }) => used >= since);
  const rest = entries.filter(({ used }) => used < since);
  const taken = own.reduce((sum, entry) => sum + entry.bytes, 0);
  const gone = beyondLimits(rest, { bytes: Math.max(0, bytes - taken) });
  await removeEntries(gone);
  return gone;
}
