/**
 * Keeps the tokens of a load on disk, under a hash of everything that they depend on: files,
 * columns, template, tokenizer, limits and draws. If the cache cannot be written, nothing is kept;
 * if it cannot be read, the tokens are made again.
 */
import { join } from "@std/path";
import { writeFileAtomic } from "../../files/disk/atomic.ts";
import { fileHash } from "../../files/disk/file_hash.ts";
import type { ChatTemplate } from "../../text/chat_template.ts";
import type { LoadDataOptions, Loaded } from "./load_options.ts";
import type { LoadReport } from "./load_report.ts";
import type { Packing } from "../tokens/packed_examples.ts";
import { sourceFiles } from "./dataset_rows.ts";
import type { DataSource } from "./data_source.ts";
import {
  disk,
  NotCapable,
  NotFound,
  PermissionDenied,
} from "../../files/disk.ts";
import { startHash } from "../../files/disk/hash.ts";
import { writeAll } from "../../files/disk/whole_file.ts";

const VERSION = 4; // raise it whenever rows of the same files give other tokens than before

/** The header of the file, which the words of the examples follow. */
interface Header {
  readonly report: LoadReport;
  /** For each example the index of its file. */
  readonly files: readonly number[];
  /** Number of words of each example. */
  readonly sizes: readonly number[];
  /** The fields that words cannot hold, by the number of the example. */
  readonly extras: Readonly<Record<string, unknown>>;
}

/** A part of the key: templates that print the date give other tokens each day. */
function dayOf(template: ChatTemplate | undefined): string {
  const texts = [template?.source, template?.toolSource];
  return texts.some((text) => text?.includes("strftime_now"))
    ? new Date().toDateString()
    : "any day";
}

/**
 * The cache key of a load; undefined if the encoder has no identity.
 *
 * @throws as `datasetFiles` does
 */
export async function tokenCacheKey(
  sources: readonly DataSource[],
  kind: string,
  options: LoadDataOptions & { readonly cacheFolder: string },
): Promise<string | undefined> {
  const { encoder, onProgress: _, memoryBytes: __, cacheFolder, ...rest } =
    options;
  if (encoder.identity === undefined) return undefined;
  const files = await sourceFiles(sources, options.split);
  const hashes: unknown[] = [];
  for (const { path, source, bare } of files) {
    hashes.push([path, await fileHash(path, cacheFolder), source, bare]);
  }
  const day = dayOf(encoder.template);
  const state = [VERSION, kind, encoder.identity, day, rest, hashes];
  return startHash("sha256").update(JSON.stringify(state)).digest("hex");
}

/** Where the tokens of a load are kept, and how they are packed. */
export interface TokenCache<T> {
  readonly cacheFolder: string;
  readonly key: string;
  readonly packing: Packing<T>;
}

/** The tokens under the key, or those that `fresh` makes, which are then kept under it. */
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

/** Whether a file of the cache does not exist or must not be read or written. */
function isOutOfReach(error: unknown): boolean {
  return error instanceof NotFound ||
    error instanceof NotCapable ||
    error instanceof PermissionDenied;
}

/**
 * Writes the header as one line of JSON, padded so that the words after it begin at a multiple of
 * four bytes, then the words of all examples.
 */
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
    bytes = await disk().readFile(path);
  } catch (error) {
    if (isOutOfReach(error)) return undefined;
    throw error;
  }
  const end = bytes.indexOf(10); // the header's JSON is one line, so the first line end closes it
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
