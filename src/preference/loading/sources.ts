/**
 * Which rows are taken from which source: fractions, train and test parts, mixtures. Draws numbers
 * of rows, reads no columns.
 */
import { Random } from "../../base/random.ts";
import type { ReadSettings } from "../formats/format.ts";
import type { CountedFile, RowStore, SourceRow } from "./row_store.ts";

/**
 * A file, a pattern of files, or a folder with `train.*` and `test.*`; and how its rows are read.
 */
export interface DataSource extends ReadSettings {
  /** File, folder or pattern. */
  readonly path: string;
  /** Share of the train rows to take, from the start: 0 to 1. Default 1. */
  readonly fraction?: number;
  /**
   * The only split of it that is read; its rows then serve all splits of the run, as a bare file's
   * do.
   */
  readonly split?: string;
  /**
   * How often its rows come in turn, where sources are interleaved. All sources have one, or none.
   */
  readonly probability?: number;
}

/**
 * When an interleaved mixture ends: with the first source that has no more rows, or when each had
 * its turn.
 */
export type StoppingStrategy = "first_exhausted" | "all_exhausted";

/** Which rows to take. */
export interface DrawOptions {
  /**
   * The part wanted, as its files are named in the folders: `train`, `test`, `train_prefs`, ...
   * One with "train" in its name is a training part: fractions act on it.
   */
  readonly split: string;
  /**
   * Usable rows of bare files that are kept from training and are their test part, drawn by the
   * seed; 0: they have no test part; below 1: their share. Absent: a bare file is taken whole,
   * whatever the split. Folders have files for each.
   */
  readonly heldOut?: number | undefined;
  /**
   * Whether a row counts for `heldOut`; the rows passed over on the way belong to the test part
   * too.
   */
  readonly usable?: (row: SourceRow) => boolean;
  /** Draws the rows of all sources in a random order. Default false: as they stand. */
  readonly shuffle?: boolean;
  /** Default 42. */
  readonly seed?: number;
  /** For sources with probabilities. Default `first_exhausted`. */
  readonly stopping?: StoppingStrategy;
}

/** The rows drawn, and what each file had. */
export interface Drawn {
  /** Numbers of rows in the store, in the order of training; an interleaved one may come again. */
  readonly indices: readonly number[];
  /** The files read, with the rows each has and those taken of it. */
  readonly sources: readonly {
    readonly path: string;
    readonly rows: number;
    readonly taken: number;
  }[];
}

function isTraining(split: string): boolean {
  return split.includes("train");
}

function numbersOf({ first, rows }: CountedFile): number[] {
  return Array.from({ length: rows }, (_, i) => first + i);
}

/** Rows of bare files, drawn by the seed, until enough of them are usable. */
async function drawTest(
  store: RowStore,
  { heldOut: given = 0, seed = 42, usable = () => true }: DrawOptions,
): Promise<Set<number>> {
  const test = new Set<number>();
  if (given === 0) return test;
  const bare = store.files.filter((file) => file.bare).flatMap(numbersOf);
  const heldOut = given < 1 ? Math.ceil(given * bare.length) : given;
  const order = new Random(seed).shuffle(bare);
  let found = 0;
  for await (const row of store.pick(order, heldOut)) {
    test.add(order[test.size]!);
    if (usable(row)) found++;
    if (found >= heldOut) break;
  }
  return test;
}

function share(
  indices: readonly number[],
  { path, fraction = 1 }: DataSource,
): readonly number[] {
  if (!(fraction >= 0 && fraction <= 1)) {
    throw new RangeError(
      `Cannot draw from "${path}": the fraction is ${fraction}, expected 0 to 1`,
    );
  }
  return indices.slice(0, Math.floor(fraction * indices.length));
}

/** The part of each source that the split takes, by source. */
function partsOf(
  { files }: RowStore,
  test: ReadonlySet<number>,
  { split, heldOut }: DrawOptions,
): Map<DataSource, readonly number[]> {
  const training = isTraining(split);
  const bySource = Map.groupBy(files, ({ source }) => source);
  const parts = new Map<DataSource, readonly number[]>();
  for (const [source, own] of bySource) {
    const indices = own.flatMap((file) =>
      file.bare && heldOut !== undefined
        ? numbersOf(file).filter((i) => test.has(i) !== training)
        : numbersOf(file)
    );
    parts.set(source, training ? share(indices, source) : indices);
  }
  return parts;
}

/** Draws from one source after the other by their probabilities. */
function interleave(
  parts: ReadonlyMap<DataSource, readonly number[]>,
  { seed = 42, stopping = "first_exhausted" }: DrawOptions,
): number[] {
  const random = new Random(seed);
  const lists = [...parts].map(([{ probability = 0 }, rows]) => ({
    rows,
    probability,
    taken: 0,
  })).filter(({ rows, probability }) => rows.length > 0 && probability > 0);
  const total = lists.reduce((sum, { probability }) => sum + probability, 0);
  const isDone = (list: { rows: readonly number[]; taken: number }) =>
    list.taken >= list.rows.length;
  const ends = () =>
    stopping === "first_exhausted" ? lists.some(isDone) : lists.every(isDone);
  const drawn: number[] = [];
  while (!ends()) {
    let left = random.float() * total;
    const list = lists.find(({ probability }) => (left -= probability) < 0) ??
      lists.at(-1)!;
    drawn.push(list.rows[list.taken++ % list.rows.length]!);
  }
  return drawn;
}

/** @throws {RangeError} if some sources have a probability and others none, or all are 0 */
function isInterleaved(sources: readonly DataSource[]): boolean {
  const given = sources.filter(({ probability }) => probability !== undefined);
  if (given.length === 0) return false;
  if (
    given.length === sources.length &&
    given.some(({ probability = 0 }) => probability > 0) &&
    given.every(({ probability = 0 }) => probability >= 0)
  ) return true;
  throw new RangeError(
    `Cannot mix sources: found probabilities ${
      sources.map(({ probability }) => probability ?? "none").join(", ")
    }, expected one for each source, at least one above 0`,
  );
}

/**
 * Draws the rows of a split.
 *
 * @throws {RangeError} for a fraction outside [0, 1] or probabilities that do not fit the sources
 */
export async function drawRows(
  store: RowStore,
  options: DrawOptions,
): Promise<Drawn> {
  const { split, shuffle = false, seed = 42, heldOut } = options;
  const test = heldOut === undefined
    ? new Set<number>()
    : await drawTest(store, options);
  const parts = partsOf(store, test, options);
  const mixes = isTraining(split) && isInterleaved([...parts.keys()]);
  const indices = mixes
    ? interleave(parts, options)
    : [...parts.values()].flat();
  const taken = new Set(indices);
  const sources = store.files.map((file) => ({
    path: file.path,
    rows: file.rows,
    taken: numbersOf(file).reduce((sum, i) => sum + (taken.has(i) ? 1 : 0), 0),
  }));
  return {
    indices: shuffle ? new Random(seed).shuffle(indices) : indices,
    sources,
  };
}
