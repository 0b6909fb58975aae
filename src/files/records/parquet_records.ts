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
} from "hyparquet";
import type { FileRecord, Wanted } from "./data_record.ts";
import { decompressLz4 } from "./lz4_block.ts";
import { plainObject } from "./plain_values.ts";
import type { DiskFile } from "../disk.ts";
import { openData } from "./file_bytes.ts";

/** The decompressors that the package does not have itself (it has Snappy). */
const compressors: Compressors = {
  GZIP: (input) => gunzipSync(input),
  ZSTD: (input) => zstdDecompressSync(input),
  BROTLI: (input) => brotliDecompressSync(input),
  LZ4_RAW: decompressLz4,
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
    const [from, count] = [first, Number(group.num_rows)];
    first += count;
    const indices = Array.from({ length: count }, (_, i) => from + i)
      .filter(wanted);
    if (indices.length === 0) continue;
    const rows = await readable(path, () =>
      parquetReadObjects({
        file: buffer,
        metadata,
        compressors,
        rowStart: from,
        rowEnd: from + count,
      }));
    for (const index of indices) {
      const value = plainObject(rows[index - from] ?? {});
      yield { line: index + 1, value };
    }
  }
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
