/**
 * Reads records of Arrow files: the streams that `save_to_disk` of the library datasets writes, and
 * Arrow's own files. A thread decodes the next rows while some are used, and is ended if it does
 * not come back. The line of a row is its number.
 */
import type { FileRecord, Wanted } from "./data_record.ts";
import { openData } from "./file_bytes.ts";
import { askAhead, fileDecoder, rowsOf } from "./record_decoder.ts";

/** Rows that are decoded at a time, as many as `datasets` writes into a batch. */
const ROWS = 1000;

function startThread(): Worker {
  return new Worker(new URL("./arrow_worker.ts", import.meta.url), {
    type: "module",
  });
}

/**
 * The rows of a file. @throws {SyntaxError} naming the file if it is no Arrow, is cut or is
 * compressed
 */
export async function* arrowRecords(
  path: string,
  wanted: Wanted,
): AsyncGenerator<FileRecord> {
  const { file } = await openData(path, "arrow");
  using _file = file;
  using decoder = fileDecoder(file, startThread);
  const next = () => askAhead(decoder, { next: ROWS });
  await readable(path, async () => decoder.ask({ open: await file.size() }));
  let coming = next();
  for (let first = 0;; first += ROWS) {
    const rows = await readable(path, async () => rowsOf(await coming));
    if (rows.length === ROWS) coming = next();
    for (const [i, value] of rows.entries()) {
      if (wanted(first + i)) yield { line: first + i + 1, value };
    }
    if (rows.length < ROWS) return;
  }
}

async function readable<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new SyntaxError(
      `Cannot read "${path}": ${error.message}, expected a whole Arrow file, plain or compressed by zstd; save it again by to_parquet()`,
    );
  }
}
