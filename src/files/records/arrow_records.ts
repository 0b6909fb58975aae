/**
 * Reads records of Arrow files, one batch at a time: the streams that `save_to_disk` of the library
 * datasets writes, and Arrow's own files. The line of a row is its number.
 */
import { decompress } from "fzstd";
import type { Data, List, RecordBatch, Vector } from "apache-arrow";
import type { DiskFile } from "../disk.ts";
import { openData } from "./file_bytes.ts";
import type { FileRecord, Wanted } from "./data_record.ts";
import { plainObject } from "./plain_values.ts";

type Arrow = typeof import("apache-arrow");

type Cell = (row: number) => unknown;

/**
 * Makes the reader of a column. The package's own rows are proxies, with which lists of turns take
 * ten times as long.
 */
function cellsOf(column: Vector, arrow: Arrow): Cell {
  const child = (i: number) => cellsOf(column.getChildAt(i)!, arrow);
  const { type, data: [data] } = column;
  let read: Cell = (row) => column.get(row);
  if (arrow.DataType.isStruct(type)) {
    const parts = type.children.map(({ name }, i) => [name, child(i)] as const);
    read = (row) =>
      Object.fromEntries(parts.map(([name, cell]) => [name, cell(row)]));
  } else if (arrow.DataType.isList(type) || arrow.DataType.isLargeList(type)) {
    const offsets = (data as Data<List>).valueOffsets;
    const item = child(0);
    read = (row) => {
      const [start, end] = [Number(offsets[row]), Number(offsets[row + 1])];
      return Array.from({ length: end - start }, (_, i) => item(start + i));
    };
  }
  return (row) => column.isValid(row) ? read(row) : null;
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
  // the package takes 0.2 s to load, so only those who read Arrow wait for it
  const arrow = await import("apache-arrow");
  arrow.compressionRegistry.set(arrow.CompressionType.ZSTD, {
    decode: (bytes) => decompress(bytes),
  });
  let first = 0;
  for await (const batch of batchesOf(file, path, arrow)) {
    const columns = batch.schema.fields.map(({ name }, i) =>
      [name, cellsOf(batch.getChildAt(i)!, arrow)] as const
    );
    for (let i = 0; i < batch.numRows; i++) {
      if (!wanted(first + i)) continue;
      const row = Object.fromEntries(
        columns.map(([name, cell]) => [name, cell(i)]),
      );
      yield { line: first + i + 1, value: plainObject(row) };
    }
    first += batch.numRows;
  }
}

/** The batches of rows of a file, which is closed at the end. */
async function* batchesOf(
  file: DiskFile,
  path: string,
  { RecordBatchReader }: Arrow,
): AsyncGenerator<RecordBatch> {
  const reader = await RecordBatchReader.from(file.stream());
  try {
    await reader.open();
    for await (const batch of reader) yield batch;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // a TypeError is the package's own, which says nothing about the file
    const detail = error instanceof TypeError
      ? "it is no Arrow file, or is cut off"
      : error.message.replace(/\.$/, "");
    throw new SyntaxError(
      `Cannot read "${path}": ${detail}, expected a whole Arrow file, plain or compressed by zstd; save it again by to_parquet()`,
    );
  } finally {
    await reader.cancel();
  }
}
