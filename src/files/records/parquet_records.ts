/**
 * Reads records of parquet files, one row group at a time, so that at most one is in memory. The
 * line of a row is its number. Nulls are left out, since a table must have a place for keys that a
 * row does not have.
 */
import {
  brotliDecompressSync,
  gunzipSync,
  zstdDecompressSync,
} from "node:zlib";
import {
  type AsyncBuffer,
  type Compressors,
  parquetMetadataAsync,
  parquetReadObjects,
  snappyUncompress,
} from "hyparquet";
import type { FileRecord, Wanted } from "./data_record.ts";
import { decompressLz4 } from "./lz4_block.ts";
import { plainObject } from "./plain_values.ts";
import type { DiskFile } from "../disk.ts";
import { openData } from "./file_bytes.ts";

/** The most bytes of a page; usual is a megabyte. */
const MOST_OF_PAGE = 2 ** 29;

/** The most rows of a group, which are in memory at once; usual are a thousand to a million. */
const MOST_OF_GROUP = 10_000_000;

type Decompress = (input: Uint8Array, size: number) => Uint8Array;

/** Holds a decompressor to the size that the file gives for the page, and that size to a bound. */
function bounded(decompress: Decompress): Decompress {
  return (input, size) => {
    if (size >= 0 && size <= MOST_OF_PAGE) return decompress(input, size);
    throw new RangeError(
      `found a page of ${size} bytes, expected at most ${MOST_OF_PAGE}`,
    );
  };
}

const most = (size: number) => ({ maxOutputLength: Math.max(1, size) });

/** The decompressors of pages, by the names that parquet has for them. */
export const DECOMPRESSORS: Compressors = {
  SNAPPY: bounded((input, size) => {
    const output = new Uint8Array(size);
    snappyUncompress(input, output);
    return output;
  }),
  GZIP: bounded((input, size) => gunzipSync(input, most(size))),
  ZSTD: bounded((input, size) => zstdDecompressSync(input, most(size))),
  BROTLI: bounded((input, size) => brotliDecompressSync(input, most(size))),
  LZ4_RAW: bounded(decompressLz4),
};

async function openBuffer(
  path: string,
): Promise<AsyncBuffer & { file: DiskFile }> {
  const { file } = await openData(path, "parquet");
  const byteLength = await file.size();
  return {
    file,
    byteLength,
    async slice(start, end = byteLength) {
      const bytes = new Uint8Array(end - start);
      let filled = 0;
      while (filled < bytes.length) {
        const rest = bytes.subarray(filled);
        const count = await file.readAt(start + filled, rest);
        if (count === null) break;
        filled += count;
      }
      return bytes.buffer;
    },
  };
}

/**
 * The rows of a file. @throws {SyntaxError} naming the file if it is no parquet, or of a
 * compression not served
 */
export async function* parquetRecords(
  path: string,
  wanted: Wanted,
): AsyncGenerator<FileRecord> {
  const buffer = await openBuffer(path);
  using _file = buffer.file;
  const metadata = await readable(path, () => parquetMetadataAsync(buffer));
  let first = 0;
  for (const group of metadata.row_groups) {
    const [from, count] = [first, groupRows(group.num_rows, path)];
    first += count;
    const indices = Array.from({ length: count }, (_, i) => from + i)
      .filter(wanted);
    if (indices.length === 0) continue;
    const rows = await readable(path, () =>
      parquetReadObjects({
        file: buffer,
        metadata,
        compressors: DECOMPRESSORS,
        rowStart: from,
        rowEnd: from + count,
      }));
    for (const index of indices) {
      const value = plainObject(rows[index - from] ?? {});
      yield { line: index + 1, value };
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
