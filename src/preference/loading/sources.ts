/**
 * Chooses which rows are taken from which source: fractions, train and test parts, mixtures. It
 * draws row numbers and reads no columns.
 */
import { Random } from "../../base/random.ts";
import type { DataSource } from "./data_source.ts";
import { splitSlice } from "./split_slice.ts";
import type { CountedFile, DatasetRows, SourceRow } from "./dataset_rows.ts";

/**
 * When an interleaved mixture ends: when the first source has no more rows, or when every source
 * was used up at least once.
 */
export type StoppingStrategy = "first_exhausted" | "all_exhausted";

/** Which rows are drawn. */
export interface DrawOptions {
  /**
   * The split, by the name of its files in folders: `train`, `test`, `train_prefs`, ... A name with
   * "train" in it is a training split, to which fractions apply.
   */
  readonly split: string;
  /**
   * The split whose slice says which rows of a single file are trained on or held out; default:
   * `split`. It keeps the rows of training and evaluation apart where both come from one slice.
   */
  readonly fileSplit?: string | undefined;
  /**
   * How many usable rows of single files form their test part and are not trained on; they are
   * drawn by the seed. Below 1 it is a share of the rows; 0: no test part. Absent: a single file is
   * taken whole for every split. It does not apply to folders, which have files for each split.
   */
  readonly heldOut?: number | undefined;
  /**
   * Where `heldOut` is more than the share `above` of the rows, the share `share` of them is held
   * out instead.
   */
  readonly heldOutLimit?:
    | { readonly above: number; readonly share: number }
    | undefined;
  /**
   * Whether a row counts for `heldOut`. The rows that do not count become part of the test rows
   * too.
   */
  readonly usable?: (row: SourceRow) => boolean;
  /** Whether the rows of all sources get a random order. Default false: the order of the files. */
  readonly shuffle?: boolean;
  /** The seed of all draws. Default 42. */
  readonly seed?: number;
  /** When a mixture of sources with probabilities ends. Default `first_exhausted`. */
  readonly stopping?: StoppingStrategy | undefined;
}

/** The rows drawn, with counts for each file. */
export interface Drawn {
  /**
   * Row numbers in the order of training. In an interleaved mixture a row may be drawn more than
   * once.
   */
  readonly indices: readonly number[];
  /** The files read, each with its number of rows and the number taken of them. */
  readonly sources: readonly {
    readonly path: string;
    readonly rows: number;
    readonly taken: number;
  }[];
  /** What the limit made of `heldOut`; absent where it did not apply. */
  readonly limited?: HeldOut | undefined;
}

/** How many rows of single files are kept from training. */
export interface HeldOut {
  /** The number of rows that are. */
  readonly rows: number;
  /** The number of rows there are. */
  readonly of: number;
  /** The number that was asked for. */
  readonly wanted: number;
}

function isTraining(split: string): boolean {
  return split.includes("train");
}

function numbersOf({ first, rows }: CountedFile): number[] {
  return Array.from({ length: rows }, (_, i) => first + i);
}

function heldOutRows(
  of: number,
  { heldOut: given = 0, heldOutLimit: limit }: DrawOptions,
): HeldOut {
  const wanted = given < 1 ? Math.ceil(given * of) : given;
  const rows = limit !== undefined && wanted > limit.above * of
    ? Math.max(1, Math.floor(limit.share * of))
    : wanted;
  return { rows, of, wanted };
}

/** Draws rows of single files by the seed, until enough of them are usable. */
async function drawTest(
  store: DatasetRows,
  { heldOut, bare, options }: {
    heldOut: number;
    bare: number[];
    options: DrawOptions;
  },
): Promise<Set<number>> {
  const { seed = 42, usable = () => true } = options;
  const test = new Set<number>();
  if (heldOut === 0) return test;
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

/** The rows of a source that the slice of its split names. */
function sliced(
  source: DataSource,
  files: readonly CountedFile[],
  { split, fileSplit = split, heldOut }: DrawOptions,
): readonly number[] {
  const bare = files.some((file) => file.bare);
  const ofRun = bare ? fileSplit : split;
  const rows = splitSlice(source.split ?? ofRun).rows(files.flatMap(numbersOf));
  // the fraction comes before the test part is held out of a file, as alignment-handbook has it
  return bare && heldOut !== undefined ? share(rows, source) : rows;
}

/** For each source its rows that belong to the split. */
function partsOf(
  { files }: DatasetRows,
  test: ReadonlySet<number>,
  options: DrawOptions,
): Map<DataSource, readonly number[]> {
  const { split, heldOut } = options;
  const training = isTraining(split);
  const bySource = Map.groupBy(files, ({ source }) => source);
  const parts = new Map<DataSource, readonly number[]>();
  for (const [source, sourceFiles] of bySource) {
    const bare = sourceFiles.some((file) => file.bare) && heldOut !== undefined;
    const indices = sliced(source, sourceFiles, options).filter((i) =>
      !bare || test.has(i) !== training
    );
    parts.set(source, training && !bare ? share(indices, source) : indices);
  }
  return parts;
}

/** Draws each next row from a source that is chosen by the probabilities. */
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

/** @throws {RangeError} if only some sources have a probability, or all probabilities are 0 */
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
  store: DatasetRows,
  options: DrawOptions,
): Promise<Drawn> {
  const { split, shuffle = false, seed = 42, heldOut } = options;
  const bySource = Map.groupBy(
    store.files.filter((file) => file.bare),
    ({ source }) => source,
  );
  const bare = [...bySource].flatMap(([source, files]) =>
    sliced(source, files, options)
  );
  const held = heldOutRows(bare.length, options);
  const test = heldOut === undefined
    ? new Set<number>()
    : await drawTest(store, { heldOut: held.rows, bare, options });
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
    ...bare.length > 0 && held.rows < held.wanted ? { limited: held } : {},
  };
}
