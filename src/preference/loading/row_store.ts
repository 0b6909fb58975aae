/**
 * The rows of all files of a dataset by their numbers: held in memory where they are few, read
 * again where they are many. Knows no columns and draws nothing.
 */
import { datasetFiles } from "../../files/records/dataset_files.ts";
import { kindOfFile } from "../../files/records/data_kinds.ts";
import { readRecords } from "../../files/records/records.ts";
import type { DataSource } from "./sources.ts";
import type { Row } from "../formats/turns.ts";

/** A row and where it stands. */
export interface SourceRow {
  /** The file. */
  readonly path: string;
  /** The line on which it begins, from 1. */
  readonly line: number;
  /** Its keys, as they stand. */
  readonly value: Row;
  /** What was said of the source it came from. */
  readonly source: DataSource;
}

/** A file of a source. */
export interface SourceFile {
  readonly path: string;
  readonly source: DataSource;
  /** Whether it holds the rows of all splits. */
  readonly bare: boolean;
}

/** A file whose rows are counted; they are numbered on from those of the file before. */
export interface CountedFile extends SourceFile {
  readonly first: number;
  readonly rows: number;
}

/** Rows by number. */
export interface RowStore {
  readonly files: readonly CountedFile[];
  readonly length: number;
  /**
   * Reads rows in the order of their numbers in the list.
   *
   * @param expect how many the caller is likely to take: files that are read again give a few more
   *   at a time
   */
  pick(indices: readonly number[], expect?: number): AsyncGenerator<SourceRow>;
}

/** How rows are opened. */
export interface OpenRowsOptions {
  /** Called with each row and its number on the first pass. */
  readonly onRow?: (row: SourceRow, index: number) => void;
  /** Text of files beyond this many bytes is read again when rows are picked. Default 256 MiB. */
  readonly memoryBytes?: number;
}

const COMPRESSED = 4; // how much larger the rows of a compressed file are, about
const MIN_BLOCK = 1024; // rows picked in one pass over the files, at least

/** Finds the files of a split. @throws as `datasetFiles` does */
export async function sourceFiles(
  sources: readonly DataSource[],
  split: string,
): Promise<SourceFile[]> {
  const found = await Promise.all(sources.map(async (source) => {
    const own = source.split;
    const { files, bare } = await datasetFiles(source.path, own ?? split);
    return files.map((path) => ({
      path,
      source,
      bare: bare || own !== undefined,
    }));
  }));
  return found.flat();
}

async function bytesOf(path: string): Promise<number> {
  const { size } = await Deno.stat(path);
  const { kind, compression } = kindOfFile(path);
  const packed = kind === "parquet" || compression !== undefined;
  return packed ? size * COMPRESSED : size;
}

/**
 * Reads all files once, to count their rows and to show each to the caller.
 *
 * @throws as `readRecords` does
 */
export async function openRows(
  files: readonly SourceFile[],
  { onRow, memoryBytes = 2 ** 28 }: OpenRowsOptions = {},
): Promise<RowStore> {
  let bytes = 0;
  for (const { path } of files) bytes += await bytesOf(path);
  const held: SourceRow[] | undefined = bytes <= memoryBytes ? [] : undefined;
  const counted: CountedFile[] = [];
  let length = 0;
  for (const file of files) {
    const first = length;
    for await (const { line, value } of readRecords(file.path)) {
      const row = { path: file.path, line, value, source: file.source };
      onRow?.(row, length);
      held?.push(row);
      length++;
    }
    counted.push({ ...file, first, rows: length - first });
  }
  const blockRows = Math.max(
    MIN_BLOCK,
    Math.floor(length * memoryBytes / Math.max(bytes, 1)),
  );
  return {
    files: counted,
    length,
    pick: (indices, expect) =>
      held === undefined
        ? pickInBlocks(counted, indices, { expect, blockRows })
        : pickHeld(held, indices),
  };
}

async function* pickHeld(
  rows: readonly SourceRow[],
  indices: readonly number[],
): AsyncGenerator<SourceRow> {
  for (const index of indices) yield rows[index] as SourceRow;
}

/** Blocks of the list, each by one pass over the files that it touches. */
async function* pickInBlocks(
  files: readonly CountedFile[],
  indices: readonly number[],
  { expect, blockRows }: { expect: number | undefined; blockRows: number },
): AsyncGenerator<SourceRow> {
  if (indices.every((index, i) => i === 0 || index > indices[i - 1]!)) {
    for await (const [, row] of pass(files, new Set(indices))) yield row;
    return;
  }
  const few = expect === undefined ? blockRows : Math.ceil(expect * 1.1) + 16;
  const size = Math.min(blockRows, few);
  for (let from = 0; from < indices.length; from += size) {
    const block = indices.slice(from, from + size);
    const found = new Map<number, SourceRow>();
    for await (const [index, row] of pass(files, new Set(block))) {
      found.set(index, row);
    }
    for (const index of block) yield found.get(index) as SourceRow;
  }
}

/** The wanted rows of all files, in the files' order. */
async function* pass(
  files: readonly CountedFile[],
  wanted: ReadonlySet<number>,
): AsyncGenerator<[index: number, row: SourceRow]> {
  const sorted = [...wanted].sort((a, b) => a - b);
  let next = 0;
  for (const { path, source, first, rows } of files) {
    const end = first + rows;
    if (sorted[next] === undefined || sorted[next]! >= end) continue;
    const here = readRecords(path, (i) => wanted.has(first + i));
    for await (const { line, value } of here) {
      yield [sorted[next++]!, { path, line, value, source }];
      if (sorted[next] === undefined || sorted[next]! >= end) break;
    }
  }
}
