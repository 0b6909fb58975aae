/** Decodes Arrow in a thread of its own, see `decoder_thread.ts`, some rows at a time. */
import {
  compressionRegistry,
  CompressionType,
  type Data,
  DataType,
  type List,
  type RecordBatch,
  RecordBatchReader,
  type Vector,
} from "apache-arrow";
import type { JsonObject } from "../disk/json_file.ts";
import { type Answer, rowsAnswer, serve, slice } from "./decoder_thread.ts";
import { DECOMPRESSORS } from "./parquet_pages.ts";
import { plainObject } from "./plain_values.ts";

/** Bytes that are asked for at a time. */
const PIECE = 1 << 20;
/** The most bytes to which the columns of a batch are unpacked; usual are some megabytes. */
const MOST_UNPACKED = 2 ** 29;

type Cell = (row: number) => unknown;

let unpacked = 0;

compressionRegistry.set(CompressionType.ZSTD, {
  decode(bytes) {
    const plain = DECOMPRESSORS.ZSTD!(bytes, MOST_UNPACKED - unpacked);
    unpacked += plain.length;
    return plain;
  },
});

/**
 * Makes the reader of a column. The package's own rows are proxies, with which lists of turns take
 * ten times as long.
 */
function cellsOf(column: Vector): Cell {
  const child = (i: number) => cellsOf(column.getChildAt(i)!);
  const { type, data: [data] } = column;
  let read: Cell = (row) => column.get(row);
  if (DataType.isStruct(type)) {
    const parts = type.children.map(({ name }, i) => [name, child(i)] as const);
    read = (row) =>
      Object.fromEntries(parts.map(([name, cell]) => [name, cell(row)]));
  } else if (DataType.isList(type) || DataType.isLargeList(type)) {
    const offsets = (data as Data<List>).valueOffsets;
    const most = column.getChildAt(0)!.length;
    const item = child(0);
    read = (row) => {
      const [start, end] = [Number(offsets[row]), Number(offsets[row + 1])];
      const length = listLength(start, end, most);
      return Array.from({ length }, (_, i) => item(start + i));
    };
  }
  return (row) => column.isValid(row) ? read(row) : null;
}

/** Damaged offsets give lists without end. */
function listLength(start: number, end: number, most: number): number {
  if (0 <= start && start <= end && end <= most) return end - start;
  throw new RangeError(
    `found a list from ${start} to ${end} of ${most} values`,
  );
}

async function* pieces(size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; at += PIECE) {
    yield new Uint8Array(await slice(at, Math.min(size, at + PIECE)));
  }
}

/** The rows of a file of so many bytes, one after the other. */
async function* rowsIn(size: number): AsyncGenerator<JsonObject> {
  const reader = await RecordBatchReader.from(pieces(size));
  await reader.open();
  for await (const batch of reader) {
    unpacked = 0;
    checkRows(batch, size);
    const columns = batch.schema.fields.map(({ name }, i) =>
      [name, cellsOf(batch.getChildAt(i)!)] as const
    );
    for (let i = 0; i < batch.numRows; i++) {
      const row = columns.map(([name, cell]) => [name, cell(i)]);
      yield plainObject(Object.fromEntries(row));
    }
  }
}

/** Whether a value is there takes a bit, so a file has no more rows than bits. */
function checkRows({ numRows }: RecordBatch, size: number): void {
  if (numRows >= 0 && numRows <= 8 * size) return;
  throw new RangeError(
    `found a batch of ${numRows} rows in ${size} bytes`,
  );
}

let rows: AsyncGenerator<JsonObject> | undefined;

serve(async (question): Promise<Answer> => {
  if ("open" in question) {
    rows = rowsIn(question.open);
    return { groups: [] };
  }
  const most = "next" in question ? question.next : 0;
  const found: JsonObject[] = [];
  while (found.length < most) {
    const { value, done } = await rows!.next();
    if (done) break;
    found.push(value);
  }
  return rowsAnswer(found);
});
