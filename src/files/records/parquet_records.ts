/**
 * Reads records of parquet files. A thread decodes one row group while the rows of another are
 * used, so at most two are in memory, and it is ended if it does not come back. The line of a row
 * is its number. Nulls are left out, since a table must have a place for keys that a row does not
 * have.
 */
import type { FileRecord, Wanted } from "./data_record.ts";
import { openData } from "./file_bytes.ts";
import {
  askAhead,
  fileDecoder,
  MOST_OF_GROUP,
  rowsOf,
} from "./record_decoder.ts";

function startThread(): Worker {
  return new Worker(new URL("./parquet_worker.ts", import.meta.url), {
    type: "module",
  });
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
  using decoder = fileDecoder(file, startThread);
  const opened = await readable(
    path,
    async () => decoder.ask({ open: await file.size() }),
  );
  const groups = wantedGroups("groups" in opened ? opened.groups : [], {
    path,
    wanted,
  });
  const next = () => {
    const { value: group } = groups.next();
    return group && {
      ...group,
      answer: askAhead(decoder, { from: group.from, to: group.to }),
    };
  };
  for (let group = next(); group !== undefined;) {
    const { from, indices, answer } = group;
    const rows = await readable(path, async () => rowsOf(await answer));
    group = next();
    for (const index of indices) {
      yield { line: index + 1, value: rows[index - from] ?? {} };
    }
  }
}

/** A group of which some rows are wanted. */
interface WantedGroup {
  readonly from: number;
  readonly to: number;
  readonly indices: readonly number[];
}

/** One after the other, since a file may say that it has any number of rows. */
function* wantedGroups(
  counts: readonly number[],
  { path, wanted }: { readonly path: string; readonly wanted: Wanted },
): Generator<WantedGroup, undefined> {
  let from = 0;
  for (const found of counts) {
    const count = groupRows(found, path);
    const first = from;
    const indices = Array.from({ length: count }, (_, i) => first + i)
      .filter(wanted);
    from += count;
    if (indices.length > 0) yield { from: first, to: from, indices };
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
