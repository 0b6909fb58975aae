/**
 * Reads records of parquet files, one row group at a time, so that at most one is in memory. The
 * line of a row is its number. Nulls are left out, since a table must have a place for keys that a
 * row does not have. A thread decodes, and is ended if it does not come back.
 */
import type { DiskFile } from "../disk.ts";
import type { FileRecord, Wanted } from "./data_record.ts";
import type { Answer, Question } from "./parquet_worker.ts";
import { openData } from "./file_bytes.ts";

/** The most rows of a group, which are in memory at once; usual are a thousand to a million. */
const MOST_OF_GROUP = 10_000_000;

/** How long a thread may work without a word, and for each byte that it was given since. */
const PATIENCE = { milliseconds: 8000, perByte: 1 / 2000 };

/** A thread that answers questions, and the bytes that it may ask for. */
export interface Decoder extends Disposable {
  /** Asks, and waits. @throws {SyntaxError} for a fault, or if no answer comes in time */
  ask(question: Question): Promise<Exclude<Answer, { start: number }>>;
}

/**
 * Opens a decoder.
 *
 * @param make starts the thread
 * @param patience milliseconds without a word after which the thread is ended; default 8000
 */
export function openDecoder(
  make: () => Worker,
  read: (start: number, end: number) => Promise<ArrayBuffer>,
  patience: number = PATIENCE.milliseconds,
): Decoder {
  const worker = make();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ask = (question: Question) =>
    new Promise<Exclude<Answer, { start: number }>>((answer, fail) => {
      let given = 0;
      const listen = () => {
        clearTimeout(timer);
        const wait = patience + given * PATIENCE.perByte;
        timer = setTimeout(() => {
          worker.terminate();
          fail(new SyntaxError(`reading it took more than ${wait} ms`));
        }, wait);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        clearTimeout(timer);
        fail(new SyntaxError(event.message));
      };
      worker.onmessage = ({ data }: MessageEvent<Answer>) => {
        clearTimeout(timer);
        if ("fault" in data) return fail(new SyntaxError(data.fault));
        if (!("start" in data)) return answer(data);
        read(data.start, data.end).then((bytes) => {
          given += bytes.byteLength;
          listen();
          worker.postMessage({ bytes } satisfies Question, [bytes]);
        }, fail);
      };
      listen();
      worker.postMessage(question);
    });
  return {
    ask,
    [Symbol.dispose]() {
      clearTimeout(timer);
      worker.terminate();
    },
  };
}

function startThread(): Worker {
  return new Worker(new URL("./parquet_worker.ts", import.meta.url), {
    type: "module",
  });
}

async function bytesOf(
  file: DiskFile,
  start: number,
  end: number,
): Promise<ArrayBuffer> {
  const size = await file.size();
  if (!(start >= 0 && end >= start && end <= size)) {
    throw new SyntaxError(`found a part outside of its ${size} bytes`);
  }
  const bytes = new Uint8Array(end - start);
  let filled = 0;
  while (filled < bytes.length) {
    const count = await file.readAt(start + filled, bytes.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return bytes.buffer;
}

/**
 * The rows of a file. @throws {SyntaxError} naming the file if it is no parquet, or of a
 * compression not served
 */
export async function* parquetRecords(
  path: string,
  wanted: Wanted,
): AsyncGenerator<FileRecord> {
  const { file } = await openData(path, "parquet");
  using _file = file;
  using decoder = openDecoder(
    startThread,
    (start, end) => bytesOf(file, start, end),
  );
  const opened = await readable(
    path,
    async () => decoder.ask({ open: await file.size() }),
  );
  let first = 0;
  for (const found of "groups" in opened ? opened.groups : []) {
    const [from, count] = [first, groupRows(found, path)];
    first += count;
    const indices = Array.from({ length: count }, (_, i) => from + i)
      .filter(wanted);
    if (indices.length === 0) continue;
    const answer = await readable(
      path,
      () => decoder.ask({ from, to: from + count }),
    );
    const rows = "rows" in answer ? answer.rows : [];
    for (const index of indices) {
      yield { line: index + 1, value: rows[index - from] ?? {} };
    }
  }
}

/** @throws {SyntaxError} for a number of rows that no group has */
export function groupRows(found: number | bigint, path: string): number {
  const rows = Number(found);
  if (Number.isInteger(rows) && rows >= 0 && rows <= MOST_OF_GROUP) return rows;
  throw new SyntaxError(
    `Cannot read "${path}": found a group of ${found} rows, expected at most ${MOST_OF_GROUP}`,
  );
}

async function readable<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new SyntaxError(
      `Cannot read "${path}": ${error.message}, expected a parquet file compressed by snappy, gzip, zstd, brotli, LZ4_RAW or not at all`,
    );
  }
}
