/**
 * Keeps the tokens of a load on disk, under a hash of everything that they depend on: files,
 * columns, template, tokenizer, limits and draws. A file that is not what was written is told, made
 * again and replaced; if the cache cannot be written, nothing is kept.
 */
import { join } from "@std/path";
import {
  keepCacheFile,
  readCacheFile,
  tellDamaged,
} from "../../files/disk/cache_file.ts";
import { fileHash } from "../../files/disk/file_hash.ts";
import { tellChangedDownload } from "../../files/hub/downloaded_file.ts";
import type { ChatTemplate } from "../../text/chat_template.ts";
import type { LoadDataOptions, Loaded } from "./load_options.ts";
import type { LoadReport } from "./load_report.ts";
import type { Packing } from "../tokens/packed_examples.ts";
import { sourceFiles } from "./dataset_rows.ts";
import type { DataSource } from "./data_source.ts";
import { isJsonObject } from "../../files/disk/json_file.ts";
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
    const hash = await fileHash(path, cacheFolder);
    await tellChangedDownload(path, hash);
    hashes.push([path, hash, source, bare]);
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

/**
 * The tokens under the key, or those that `fresh` makes, which are then kept under it. A load
 * without any example is neither kept nor believed: it is done anew, so that what is wrong with the
 * data or its slice is told each time.
 */
export async function cachedTokens<T>(
  cache: TokenCache<T>,
  fresh: () => Promise<Loaded<T>>,
): Promise<Loaded<T>> {
  const path = join(cache.cacheFolder, `${cache.key}.tokens`);
  const bytes = await readCacheFile(path);
  const known = bytes && readTokens(path, bytes, cache);
  if (known && known.examples.length > 0) {
    return { ...known, report: { ...known.report, cached: path } };
  }
  const loaded = await fresh();
  if (loaded.examples.length > 0) await keepTokens(path, loaded, cache);
  return loaded;
}

/** What ends the header's text: the hash of the key, of all before it and of the words. */
const HASH_FIELD = /,"sha256":"([0-9a-f]{64})"\} *$/;

/** The key is hashed too, so that a file under another's name is seen. */
function hashOf(key: string, header: string, words: readonly Uint8Array[]) {
  const hash = startHash("sha256").update(`${key}\n${header}\n`);
  for (const bytes of words) hash.update(bytes);
  return hash.digest("hex");
}

/**
 * Writes the header as one line of JSON, padded so that the words after it begin at a multiple of
 * four bytes, then the words of all examples.
 */
async function keepTokens<T>(
  path: string,
  { examples, files, report }: Loaded<T>,
  { key, packing }: TokenCache<T>,
): Promise<void> {
  const packed = examples.map(packing.pack);
  const extras = Object.fromEntries(
    packed.flatMap(({ extra }, i) => extra === undefined ? [] : [[i, extra]]),
  );
  const sizes = packed.map(({ words }) => words.length);
  const header: Header = { report, files, sizes, extras };
  const text = JSON.stringify(header);
  const words = packed.map(({ words: { buffer, byteOffset, byteLength } }) =>
    new Uint8Array(buffer, byteOffset, byteLength)
  );
  const hash = hashOf(key, text, words);
  await keepCacheFile(path, async (file) => {
    const line = new TextEncoder().encode(
      `${text.slice(0, -1)},"sha256":"${hash}"}`,
    );
    const padding = " ".repeat(3 - line.length % 4);
    await writeAll(file, line);
    await writeAll(file, new TextEncoder().encode(`${padding}\n`));
    for (const bytes of words) await writeAll(file, bytes);
  });
}

/** A file of tokens that is what was written there. */
interface OpenTokens {
  readonly header: Header;
  /** The words of all examples, one after another. */
  readonly words: Uint32Array<ArrayBuffer>;
}

/** What a file of tokens holds, or why it is not used. */
function openTokens(
  bytes: Uint8Array<ArrayBuffer>,
  key: string,
): OpenTokens | "earlier" | "damaged" {
  const end = bytes.indexOf(10); // the header's JSON is one line, so the first line end closes it
  const line = new TextDecoder().decode(bytes.subarray(0, Math.max(0, end)));
  const hash = HASH_FIELD.exec(line);
  if (hash === null) return isHeader(line) ? "earlier" : "damaged";
  const text = `${line.slice(0, hash.index)}}`;
  const body = bytes.subarray(end + 1);
  if (hashOf(key, text, [body]) !== hash[1]) return "damaged";
  const words = new Uint32Array(bytes.buffer, end + 1, body.length / 4);
  return { header: JSON.parse(text), words };
}

/** The tokens in a file; undefined, after that is told, unless it is what was written there. */
function readTokens<T>(
  path: string,
  bytes: Uint8Array<ArrayBuffer>,
  { key, packing }: TokenCache<T>,
): Loaded<T> | undefined {
  const open = openTokens(bytes, key);
  if (typeof open === "string") {
    tellDamaged(path, open, "tokens");
    return undefined;
  }
  const { header: { report, files, sizes, extras }, words } = open;
  let at = 0;
  const examples = sizes.map((size, i) =>
    packing.unpack({ words: words.subarray(at, at += size), extra: extras[i] })
  );
  return { examples, files, report };
}

/** What a file of tokens is, for people who look at the cache. */
export interface TokenFacts {
  /** Rows whose tokens it holds. */
  readonly rows: number;
  /** The files of the data. */
  readonly files: readonly string[];
}

/** Looks at a file of tokens; undefined if it is not what was written there. */
export function tokenFacts(
  bytes: Uint8Array<ArrayBuffer>,
  key: string,
): TokenFacts | undefined {
  const open = openTokens(bytes, key);
  if (typeof open === "string") return undefined;
  const { sizes, report } = open.header;
  return { rows: sizes.length, files: report.sources.map(({ path }) => path) };
}

/** Whether a line is the header of a version that kept no hash. */
function isHeader(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line);
    return isJsonObject(value) && "report" in value && "sizes" in value &&
      !("sha256" in value);
  } catch {
    return false;
  }
}
