/**
 * A split with a slice, as the library datasets writes it: `train[:10%]`, `train[100:200]`,
 * `train[-50:]`. Chooses among row numbers and reads no file.
 */

/** A name of a split, and which of its rows are meant. */
export interface SplitSlice {
  /** The name of the split's files. */
  readonly split: string;
  /**
   * The rows that are meant, in their order; all of them without a slice.
   *
   * @throws {RangeError} if a slice holds none of the rows
   */
  readonly rows: <T>(all: readonly T[]) => readonly T[];
}

const SLICE = /^([^[\]]*)\[\s*([^:[\]]*?)\s*:\s*([^:[\]]*?)\s*\]$/;
const BOUND = /^(-?\d+(?:\.\d+)?)(%?)$/;

/** The row number of a bound. A percentage is rounded to the nearest row, as datasets does. */
function boundOf(text: string, length: number, split: string): number {
  const [, digits, percent] = BOUND.exec(text) ?? [];
  const value = Number(digits);
  if (digits === undefined || (percent === "" && !Number.isInteger(value))) {
    throw unreadable(split);
  }
  const rows = percent === "%" ? Math.round(value / 100 * length) : value;
  return Math.min(length, Math.max(0, rows < 0 ? length + rows : rows));
}

function unreadable(split: string): SyntaxError {
  return new SyntaxError(
    `Cannot read split "${split}": its slice is not one, expected NAME[from:to] in rows or per cent, such as train[:10%] or train[100:200]`,
  );
}

/** The rows of a slice, of which there must be one unless there are no rows at all. */
function sliceOf<T>(
  all: readonly T[],
  [from, to]: readonly [number, number],
  split: string,
): readonly T[] {
  if (from >= to && all.length > 0) {
    throw new RangeError(
      `Cannot read split "${split}": its slice goes from row ${from} to row ${to} of ${all.length}, expected one that holds a row`,
    );
  }
  return all.slice(from, to);
}

/**
 * Reads a split's name with its slice.
 *
 * @throws {SyntaxError} if what stands in brackets is no slice
 */
export function splitSlice(given: string): SplitSlice {
  if (!/[[\]]/.test(given)) return { split: given, rows: (all) => all };
  const [, split, from, to] = SLICE.exec(given) ?? [];
  if (split === undefined || from === undefined || to === undefined) {
    throw unreadable(given);
  }
  const bounds = (length: number) =>
    [
      from === "" ? 0 : boundOf(from, length, given),
      to === "" ? length : boundOf(to, length, given),
    ] as const;
  bounds(1); // a slice that cannot be read is told before files are looked for
  return {
    split: split === "" ? "train" : split,
    rows: (all) => sliceOf(all, bounds(all.length), given),
  };
}
