/**
 * Gives the rows of all files of a dataset by their numbers. Small files are kept in memory, large
 * ones are read again. Knows no columns and does not choose rows.
 */
import { datasetFiles } from "../../files/records/dataset_files.ts";
import { kindOfFile } from "../../files/records/data_kinds.ts";
import { readRecords } from "../../files/records/records.ts";
import type { DataSource } from "./data_source.ts";
import type { Row } from "../formats/turns.ts";
import { charactersOf } from "../../base/characters.ts";
import { disk } from "../../files/disk.ts";
import { splitSlice } from "./split_slice.ts";

/** A row of a file, and where it stands. */
export interface SourceRow {
  /** Path of the file. */
  readonly path: string;
  /** The line on which the row begins, counted from 1. */
  readonly line: number;
  /** The row's data, as it stands in the file. */
  readonly value: Row;
  /** The source that the file belongs to. */
  readonly source: DataSource;
  /** Why it could not be parsed; only if `lenient` asks for such rows. */
  readonly fault?: string | undefined;
}

/** A file of a source. */
export interface SourceFile {
  readonly path: string;
  readonly source: DataSource;
  /** Whether the file serves all splits. */
  readonly bare: boolean;
}

/** A file whose rows are counted. Their numbers continue those of the file before it. */
export interface CountedFile extends SourceFile {
  readonly first: number;
  readonly rows: number;
}

/** The rows of all files, by number. */
export interface DatasetRows {
  readonly files: readonly CountedFile[];
  readonly length: number;
  /**
   * Reads the given rows in the order of the list.
   *
   * @param expect how many rows the caller will probably take. Where files are read again, one pass
   *   picks somewhat more rows than that.
   */
  pick(indices: readonly number[], expect?: number): AsyncGenerator<SourceRow>;
}

/** How the rows of files are opened. */
export interface OpenRowsOptions {
  /** Called in the first pass with each row and its number. */
  readonly onRow?: (row: SourceRow, index: number) => void;
  /**
   * Size of all files in bytes above which rows are read again when they are picked. Default 256
   * MiB.
   */
  readonly memoryBytes?: number | undefined;
  /** Whether rows that cannot be parsed are given with their fault. Default: they throw. */
  readonly lenient?: boolean | undefined;
}

const COMPRESSED = 4; // estimate of how much larger the rows of a compressed file are
const MIN_BLOCK = 1024; // least number of rows that are picked in one pass over the files

/** Finds the files of a split. @throws as `datasetFiles` does */
export async function sourceFiles(
  sources: readonly DataSource[],
  split: string,
): Promise<SourceFile[]> {
  const found = await Promise.all(sources.map(async (source) => {
    const sourceSplit = source.split;
    const { files, bare } = await datasetFiles(
      source.path,
      splitSlice(sourceSplit ?? split).split,
    );
    return files.map((path) => ({
      path,
      source,
      bare: bare || sourceSplit !== undefined,
    }));
  }));
  return found.flat();
}

async function bytesOf(path: string): Promise<number> {
  const { size } = await disk().stat(path);
  const { kind, compression } = kindOfFile(path);
  const packed = kind === "parquet" || compression !== undefined;
  return packed ? size * COMPRESSED : size;
}

/**
 * Reads all files once, counts their rows and passes each to `onRow`.
 *
 * @throws as `readRecords` does
 */
export async function openRows(
  files: readonly SourceFile[],
  { onRow, memoryBytes = 2 ** 28, lenient = false }: OpenRowsOptions = {},
): Promise<DatasetRows> {
  let bytes = 0;
  for (const { path } of files) bytes += await bytesOf(path);
  let held: SourceRow[] | undefined = bytes <= memoryBytes ? [] : undefined;
  const counted: CountedFile[] = [];
  let length = 0;
  let unpacked = 0;
  for (const file of files) {
    const first = length;
    const records = readRecords(file.path, undefined, { lenient });
    const isPacked = kindOfFile(file.path).compression !== undefined;
    for await (const record of records) {
      const row = { ...record, path: file.path, source: file.source };
      onRow?.(row, length);
      held?.push(row);
      // what a packed file unpacks to is only guessed before it is read
      if (isPacked) unpacked += charactersOf(row.value);
      if (unpacked > memoryBytes) held = undefined;
      length++;
    }
    counted.push({ ...file, first, rows: length - first });
  }
  const blockRows = Math.max(
    MIN_BLOCK,
    Math.floor(length * memoryBytes / Math.max(bytes, unpacked, 1)),
  );
  return {
    files: counted,
    length,
    pick: (indices, expect) =>
      held === undefined
        ? pickInBlocks(counted, indices, { expect, blockRows, lenient })
        : pickHeld(held, indices),
  };
}

async function* pickHeld(
  rows: readonly SourceRow[],
  indices: readonly number[],
): AsyncGenerator<SourceRow> {
  for (const index of indices) yield rows[index] as SourceRow;
}

/** Picks rows in blocks of the list; each block takes one pass over its files. */
async function* pickInBlocks(
  files: readonly CountedFile[],
  indices: readonly number[],
  { expect, blockRows, lenient }: {
    expect: number | undefined;
    blockRows: number;
    lenient: boolean;
  },
): AsyncGenerator<SourceRow> {
  if (indices.every((index, i) => i === 0 || index > indices[i - 1]!)) {
    const wanted = new Set(indices);
    for await (const [, row] of pass(files, wanted, lenient)) yield row;
    return;
  }
  const few = expect === undefined ? blockRows : Math.ceil(expect * 1.1) + 16;
  const size = Math.min(blockRows, few);
  for (let from = 0; from < indices.length; from += size) {
    const block = indices.slice(from, from + size);
    const found = new Map<number, SourceRow>();
    const wanted = new Set(block);
    for await (const [index, row] of pass(files, wanted, lenient)) {
      found.set(index, row);
    }
    for (const index of block) yield found.get(index) as SourceRow;
  }
}

/** The wanted rows of all files, in the order of the files. */
async function* pass(
  files: readonly CountedFile[],
  wanted: ReadonlySet<number>,
  lenient: boolean,
): AsyncGenerator<[index: number, row: SourceRow]> {
  const sorted = [...wanted].sort((a, b) => a - b);
  let next = 0;
  for (const { path, source, first, rows } of files) {
    const end = first + rows;
    if (sorted[next] === undefined || sorted[next]! >= end) continue;
    const isWanted = (i: number) => wanted.has(first + i);
    for await (const record of readRecords(path, isWanted, { lenient })) {
      yield [sorted[next++]!, { ...record, path, source }];
      if (sorted[next] === undefined || sorted[next]! >= end) break;
    }
  }
}
