/**
 * Where rows come from: files and folders with fractions, train and test parts. Reads and draws, knows no columns.
 */
import { Random } from "../base/random.ts";
import { datasetFiles } from "../files/dataset_files.ts";
import { readRecords } from "../files/records.ts";
import type { Row } from "./turns.ts";

/** A file, or a folder with `train.*` and `test.*`. */
export interface DataSource {
  /** File or folder. */
  readonly path: string;
  /** Share of the train rows to take, from the start of the file: 0 to 1. Default 1. */
  readonly fraction?: number;
}

/** Which rows to take. */
export interface DrawOptions {
  /**
   * The part wanted, as its files are named in the folders: `train`, `test`, `train_prefs`, ...
   * One with "train" in its name is a training part: fractions act on it.
   */
  readonly split: string;
  /**
   * Usable rows of a bare file that are kept from training and are its test part, drawn by the seed; 0: it has no
   * test part. Absent: a bare file is taken whole, whatever the split. Folders have files for each.
   */
  readonly heldOut?: number | undefined;
  /** Whether a row counts for `heldOut`; the rows passed over on the way belong to the test part too. */
  readonly usable?: (row: SourceRow) => boolean;
  /** Draws the rows of all sources in a random order. Default false: as they stand. */
  readonly shuffle?: boolean;
  /** Default 42. */
  readonly seed?: number;
}

/** A row and where it stands. */
export interface SourceRow {
  /** The file. */
  readonly path: string;
  /** The line on which it begins, from 1. */
  readonly line: number;
  /** Its keys, as they stand. */
  readonly value: Row;
}

/** The rows drawn, and what each file had. */
export interface Drawn {
  readonly rows: readonly SourceRow[];
  readonly sources: readonly {
    readonly path: string;
    readonly rows: number;
    readonly taken: number;
  }[];
}

async function readAll(path: string): Promise<SourceRow[]> {
  const rows: SourceRow[] = [];
  for await (const { line, value } of readRecords(path)) {
    rows.push({ path, line, value });
  }
  return rows;
}

function isTraining(split: string): boolean {
  return split.includes("train");
}

/** Indices of rows, drawn by the seed, until enough of them are usable. */
function drawTest(
  rows: readonly SourceRow[],
  { heldOut = 0, seed = 42, usable = () => true }: DrawOptions,
): Set<number> {
  const test = new Set<number>();
  let found = 0;
  for (const i of new Random(seed).shuffle(rows.map((_, i) => i))) {
    if (found >= heldOut) break;
    test.add(i);
    if (usable(rows[i] as SourceRow)) found++;
  }
  return test;
}

/** The train or test part of a file that holds both; the test rows are the same for both callers. */
function partOf(
  rows: readonly SourceRow[],
  options: DrawOptions,
): readonly SourceRow[] {
  if (options.heldOut === undefined) return rows;
  const test = drawTest(rows, options);
  return rows.filter((_, i) => test.has(i) !== isTraining(options.split));
}

function share(
  rows: readonly SourceRow[],
  { path, fraction = 1 }: DataSource,
): readonly SourceRow[] {
  if (!(fraction >= 0 && fraction <= 1)) {
    throw new RangeError(
      `Cannot draw from "${path}": the fraction is ${fraction}, expected 0 to 1`,
    );
  }
  return rows.slice(0, Math.floor(fraction * rows.length));
}

/**
 * Reads the rows of a split from all sources.
 *
 * @throws as `datasetFiles` and `readRecords` do; {RangeError} for a fraction outside [0, 1]
 */
export async function drawRows(
  sources: readonly DataSource[],
  options: DrawOptions,
): Promise<Drawn> {
  const { split, shuffle = false, seed = 42 } = options;
  const rows: SourceRow[] = [];
  const read: Drawn["sources"][number][] = [];
  for (const source of sources) {
    const { files, bare } = await datasetFiles(source.path, split);
    for (const path of files) {
      const all = await readAll(path);
      const part = bare ? partOf(all, options) : all;
      const taken = isTraining(split) ? share(part, source) : part;
      read.push({ path, rows: all.length, taken: taken.length });
      for (const row of taken) rows.push(row);
    }
  }
  return {
    rows: shuffle ? new Random(seed).shuffle(rows) : rows,
    sources: read,
  };
}
