/**
 * Reads and writes whole files, most of them UTF-8 text. Files that must never be seen incomplete
 * are written by `atomic.ts`.
 */
import { disk, type DiskFile, NotFound, type OpenOptions } from "../disk.ts";

/** Keeps a byte order mark as a character, so that the text is not changed. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const REPLACE: OpenOptions = { write: true, create: true, truncate: true };

/** Writes all of `bytes` at the file's position. */
export async function writeAll(
  file: DiskFile,
  bytes: Uint8Array,
): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    written += await file.write(bytes.subarray(written));
  }
}

/**
 * Reads a text file.
 *
 * @throws NotFound naming the file, if it is not there.
 */
export async function readText(path: string): Promise<string> {
  const text = await readTextIfThere(path);
  if (text !== undefined) return text;
  throw new NotFound(`Cannot read "${path}": no such file`);
}

/** Reads a text file; undefined if it does not exist. */
export async function readTextIfThere(
  path: string,
): Promise<string | undefined> {
  try {
    return decoder.decode(await disk().readFile(path));
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw error;
  }
}

/** Writes a text file into an existing folder; an older file is replaced. */
export async function writeText(path: string, text: string): Promise<void> {
  await writeInto(path, new TextEncoder().encode(text), REPLACE);
}

/** Writes bytes into an existing folder, as `writeText()` does. */
export async function writeBytes(
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  await writeInto(path, bytes, REPLACE);
}

/** Appends text to a file, which is made if it does not exist. */
export async function appendText(path: string, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  await writeInto(path, bytes, { append: true, create: true });
}

async function writeInto(
  path: string,
  bytes: Uint8Array,
  options: OpenOptions,
): Promise<void> {
  using file = await disk().open(path, options);
  await writeAll(file, bytes);
}
