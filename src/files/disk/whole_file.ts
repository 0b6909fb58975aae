/**
 * Reads and writes whole files, most of them UTF-8 text. Files that must never be seen incomplete
 * are written by `atomic.ts`.
 */
import { disk, NotCapable, NotFound, type WritableFile } from "../disk.ts";
import { isTold } from "../told_disk.ts";

/** Keeps a byte order mark as a character, so that the text is not changed. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Writes all of `bytes` at the file's position. */
export async function writeAll(
  file: WritableFile,
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
  const bytes = await readFileIfThere(path);
  return bytes && decoder.decode(bytes);
}

/** Reads all bytes of a file; undefined if it does not exist. */
export async function readFileIfThere(
  path: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await disk().readFile(path);
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw withPath(error, path);
  }
}

/** The bytes that a file has; undefined if there is none at the path. */
export async function sizeIfThere(path: string): Promise<number | undefined> {
  try {
    const { isFile, size } = await disk().stat(path);
    return isFile ? size : undefined;
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw withPath(error, path);
  }
}

/** An error with the path: the system names no file whose link leads to itself. */
export function withPath(error: unknown, path: string): unknown {
  if (error instanceof NotCapable || isTold(error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new Error(`Cannot read "${path}": ${reason}`, { cause: error });
}

/** Appends text to a file, which is made if need be, and waits until it is on the disk. */
export async function appendText(path: string, text: string): Promise<void> {
  using file = await disk().open(path, { append: true, create: true });
  await writeAll(file, new TextEncoder().encode(text));
  await file.sync();
}
