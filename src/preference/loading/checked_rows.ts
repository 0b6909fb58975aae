/**
 * Reads rows of files into checked Preferences, Demonstrations or Feedback. If any of the drawn
 * rows is broken, the load stops with one error that names them.
 */
import { type Format, readRows, type ReadSettings } from "../formats/format.ts";
import type { RowContext } from "../formats/preference.ts";
import type { SourceRow } from "./dataset_rows.ts";

/** How rows of one kind are read and checked. */
export interface RowKind<R extends RowContext> {
  /** The formats that its rows may have. */
  readonly formats: readonly Format<R>[];
  /** What is wrong with the contents of an example; undefined if nothing is. */
  readonly fault: (row: R) => string | undefined;
}

/** The examples of a row, and the format that it was read by. */
export interface CheckedRow<R> {
  /** Empty if the row prefers no answer; several if it ranks answers. */
  readonly examples: readonly R[];
  /** Name of the format. */
  readonly format: string;
}

const SHOWN = 5;

/** Where a row stands: `"path" line N`. */
export function whereOf({ path, line }: SourceRow): string {
  return `"${path}" line ${line}`;
}

/**
 * Reads and checks a row by the settings of its source.
 *
 * @param settings for everything that the source does not set
 * @throws {TypeError} or {RangeError} saying what is wrong with the row
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

/** Checks every row in the first pass over the files and keeps the results by row number. */
export class RowCensus<R extends RowContext> {
  readonly #kind: RowKind<R>;
  readonly #settings: ReadSettings;
  readonly #faults = new Map<number, string>();
  readonly #names: string[] = [];
  readonly #formats: number[] = []; // index of the format for each row number; -1 for broken rows

  /** An empty census. */
  constructor(kind: RowKind<R>, settings: ReadSettings) {
    this.#kind = kind;
    this.#settings = settings;
  }

  /** Checks a row and keeps its format or its fault. */
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

  /** The formats of the given rows, each with its number of rows. */
  formats(indices: readonly number[]): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const index of indices) {
      const name = this.#names[this.#formats[index] ?? -1];
      if (name !== undefined) counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }

  /**
   * @throws {TypeError} if any of the given rows is broken, naming the first ones and their number
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
