/**
 * Reads the records of a data file of any kind as a stream, so that a file may have any size. Knows
 * no columns.
 */
import { arrowRecords } from "./arrow_records.ts";
import { tableRecords, textRecords } from "./csv_records.ts";
import { DATA_ENDINGS, type DataKind, kindOfFile } from "./data_kinds.ts";
import type { FileRecord, Wanted } from "./data_record.ts";
import { jsonRecords, lineRecords } from "./json_records.ts";
import { parquetRecords } from "./parquet_records.ts";

export type { FileRecord } from "./data_record.ts";

type Reader = (
  path: string,
  wanted: Wanted,
  lenient: boolean,
) => AsyncGenerator<FileRecord>;

const READERS: Readonly<Record<DataKind, Reader>> = {
  lines: lineRecords,
  json: jsonRecords,
  csv: (path, wanted, lenient) =>
    tableRecords(path, wanted, { separator: ",", lenient }),
  tsv: (path, wanted, lenient) =>
    tableRecords(path, wanted, { separator: "\t", lenient }),
  text: textRecords,
  parquet: parquetRecords,
  arrow: arrowRecords,
};

/**
 * Reads the records of a file. Blank lines are skipped; a `.json` file may hold an array or JSON
 * Lines.
 *
 * @param wanted which records to read, by their numbers from 0; the others are skipped. Default:
 *   all.
 * @param options `lenient`: a record that cannot be parsed is given with its fault and not thrown
 * @throws SyntaxError for what cannot be parsed, TypeError for what is no object, RangeError for an
 *   empty file; each names file and line.
 */
export async function* readRecords(
  path: string,
  wanted?: Wanted,
  { lenient = false }: { readonly lenient?: boolean } = {},
): AsyncGenerator<FileRecord> {
  const { kind } = kindOfFile(path);
  if (kind === undefined) {
    throw new TypeError(
      `Cannot read records of "${path}": expected a file that ends in ${DATA_ENDINGS}`,
    );
  }
  let count = 0;
  const all = () => true;
  for await (const record of READERS[kind](path, wanted ?? all, lenient)) {
    count++;
    yield record;
  }
  if (count === 0 && wanted === undefined) {
    throw new RangeError(`Cannot read "${path}": it has no records`);
  }
}
