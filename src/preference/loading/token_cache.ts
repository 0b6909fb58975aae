/**
 * Tokens of a load on disk, under a hash of all that they depend on: files, columns, template,
 * tokenizer, limits, draws. What cannot be written is not kept; what cannot be read is made again.
 */
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { writeAll, writeFileAtomic } from "../../files/disk/atomic.ts";
import { fileHash } from "../../files/disk/file_hash.ts";
import type { Loaded, LoadOptions } from "./load.ts";
import type { LoadReport } from "./load_report.ts";
import type { Packing } from "../tokens/packed_examples.ts";
import { sourceFiles } from "./row_store.ts";
import type { DataSource } from "./sources.ts";

const VERSION = 2; // to be raised when rows of the same files give other tokens than before

/** What is in the file before the words. */
interface Header {
  readonly report: LoadReport;
  /** The file of each example. */
  readonly files: readonly number[];
  /** Words of each example. */
  readonly sizes: readonly number[];
  /** What words cannot hold, by the example's number. */
  readonly extras: Readonly<Record<string, unknown>>;
}

/** Templates that print the date are rendered anew each day. */
function dayOf(template: string | undefined): string {
  return template?.includes("strftime_now")
    ? new Date().toDateString()
    : "any day";
}

/**
 * The name under which a load's tokens are kept; undefined if the encoder has no identity.
 *
 * @throws as `datasetFiles` does
 */
export async function tokenCacheKey(
  sources: readonly DataSource[],
  kind: string,
  options: LoadOptions & { readonly cacheFolder: string },
): Promise<string | undefined> {
  const { encoder, onProgress: _, memoryBytes: __, cacheFolder, ...rest } =
    options;
  if (encoder.identity === undefined) return undefined;
  const files = await sourceFiles(sources, options.split);
  const hashes: unknown[] = [];
  for (const { path, source, bare } of files) {
    hashes.push([path, await fileHash(path, cacheFolder), source, bare]);
  }
  const day = dayOf(encoder.template?.source);
  const state = [VERSION, kind, encoder.identity, day, rest, hashes];
  return createHash("sha256").update(JSON.stringify(state)).digest("hex");
}

/** Where a load's tokens lie, and how they are packed. */
export interface TokenCache<T> {
  readonly cacheFolder: string;
  readonly key: string;
  readonly packing: Packing<T>;
}

/** What is kept under the key, else what `fresh` makes, which is then kept. */
export async function cachedTokens<T>(
  { cacheFolder, key, packing }: TokenCache<T>,
  fresh: () => Promise<Loaded<T>>,
): Promise<Loaded<T>> {
  const path = join(cacheFolder, `${key}.tokens`);
  const known = await readTokens(path, packing);
  if (known !== undefined) {
    return { ...known, report: { ...known.report, cached: path } };
  }
  const loaded = await fresh();
  await writeTokens(path, loaded, packing);
  return loaded;
}

/** Whether the cache may not be touched, or is not there. */
function isOutOfReach(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.NotCapable ||
    error instanceof Deno.errors.PermissionDenied;
}

/** JSON of the header, a line's end on a multiple of four bytes, then all words. */
async function writeTokens<T>(
  path: string,
  { examples, files, report }: Loaded<T>,
  { pack }: Packing<T>,
): Promise<void> {
  const packed = examples.map(pack);
  const extras = Object.fromEntries(
    packed.flatMap(({ extra }, i) => extra === undefined ? [] : [[i, extra]]),
  );
  const sizes = packed.map(({ words }) => words.length);
  const header: Header = { report, files, sizes, extras };
  try {
    await writeFileAtomic(path, async (file) => {
      const text = new TextEncoder().encode(JSON.stringify(header));
      const padding = " ".repeat(3 - text.length % 4);
      await writeAll(file, text);
      await writeAll(file, new TextEncoder().encode(`${padding}\n`));
      for (const { words } of packed) {
        const { buffer, byteOffset, byteLength } = words;
        await writeAll(file, new Uint8Array(buffer, byteOffset, byteLength));
      }
    });
  } catch (error) {
    if (!isOutOfReach(error)) throw error;
  }
}

async function readTokens<T>(
  path: string,
  { unpack }: Packing<T>,
): Promise<Loaded<T> | undefined> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await Deno.readFile(path);
  } catch (error) {
    if (isOutOfReach(error)) return undefined;
    throw error;
  }
  const end = bytes.indexOf(10); // JSON on one line holds no line's end
  const header = parseHeader(new TextDecoder().decode(bytes.subarray(0, end)));
  if (header === undefined) return undefined;
  const { report, files, sizes, extras } = header;
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes.length - end - 1 !== 4 * total) return undefined;
  const words = new Uint32Array(bytes.buffer, end + 1, total);
  let at = 0;
  const examples = sizes.map((size, i) =>
    unpack({ words: words.subarray(at, at += size), extra: extras[i] })
  );
  return { examples, files, report };
}

function parseHeader(text: string): Header | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
