/**
 * Rows of files -> checked Preferences, Demonstrations or Feedback. All broken rows among those
 * that are drawn are told at once, and none is used.
 */
import { type Format, readRows, type ReadSettings } from "../formats/format.ts";
import type { RowContext } from "../formats/preference.ts";
import type { SourceRow } from "./row_store.ts";

/** How a kind of rows is read and checked. */
export interface RowKind<R extends RowContext> {
  /** The shapes that it may have. */
  readonly formats: readonly Format<R>[];
  /** What is wrong with a row, undefined if nothing. */
  readonly fault: (row: R) => string | undefined;
}

/** What a row of a file became. */
export interface CheckedRow<R> {
  /** None where it prefers nothing, several where it ranks answers. */
  readonly examples: readonly R[];
  /** The name of its format. */
  readonly format: string;
}

const SHOWN = 5;

/** `"path" line N` */
export function whereOf({ path, line }: SourceRow): string {
  return `"${path}" line ${line}`;
}

/**
 * Reads and checks a row by what its source says of it.
 *
 * @param settings for what the source leaves open
 * @throws {TypeError} or {RangeError} telling what is wrong with the row
 */
export function readChecked<R extends RowContext>(
  { line, value, source }: SourceRow,
  { formats, fault }: RowKind<R>,
  settings: ReadSettings,
): CheckedRow<R> {
  const merged = {
    ...settings,
    ...source,
    columns: { ...settings.columns, ...source.columns },
  };
  const read = readRows(value, line, formats, merged);
  for (const example of read.examples) {
    const wrong = fault(example);
    if (wrong !== undefined) throw new RangeError(wrong);
  }
  return read;
}

/** What the first pass over all rows found, by their numbers. */
export class RowCensus<R extends RowContext> {
  readonly #kind: RowKind<R>;
  readonly #settings: ReadSettings;
  readonly #faults = new Map<number, string>();
  readonly #names: string[] = [];
  readonly #formats: number[] = []; // number of the format by number of the row

  /** Counts nothing yet. */
  constructor(kind: RowKind<R>, settings: ReadSettings) {
    this.#kind = kind;
    this.#settings = settings;
  }

  /** Checks a row and remembers what it is. */
  add(row: SourceRow, index: number): void {
    try {
      const { format } = readChecked(row, this.#kind, this.#settings);
      if (!this.#names.includes(format)) this.#names.push(format);
      this.#formats[index] = this.#names.indexOf(format);
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof RangeError)) {
        throw error;
      }
      this.#faults.set(index, `${whereOf(row)}: ${error.message}`);
      this.#formats[index] = -1;
    }
  }

  /** Whether a row can be read. */
  isSound(index: number): boolean {
    return !this.#faults.has(index);
  }

  /** Formats of the rows of these numbers, with how many have each. */
  formats(indices: readonly number[]): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const index of indices) {
      const name = this.#names[this.#formats[index] ?? -1];
      if (name !== undefined) counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }

  /**
   * @throws {TypeError} that tells the first broken rows of these numbers, and how many there are
   */
  refuseBroken(indices: readonly number[]): void {
    if (this.#faults.size === 0) return;
    const drawn = new Set(indices);
    const broken = [...this.#faults].filter(([index]) => drawn.has(index))
      .map(([, fault]) => fault);
    if (broken.length === 0) return;
    const rest = broken.length - SHOWN;
    const shown = broken.slice(0, SHOWN).join("; ") +
      (rest > 0 ? `; and ${rest} more` : "");
    throw new TypeError(
      broken.length === 1
        ? `Cannot read ${shown}`
        : `Cannot read ${broken.length} of ${drawn.size} rows: ${shown}`,
    );
  }
}
