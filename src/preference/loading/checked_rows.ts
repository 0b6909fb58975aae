/**
 * Reads rows of files into checked Preferences, Demonstrations or Feedback, and keeps what is wrong
 * with the rows that cannot be read.
 */
import { type Format, readRows, type ReadSettings } from "../formats/format.ts";
import type { BadRow } from "./bad_rows.ts";
import type { PromptRule } from "../formats/check.ts";
import type { AskedRow } from "../formats/preference.ts";
import type { SourceRow } from "./dataset_rows.ts";
import { otherKind } from "./other_kind.ts";
import { MappedColumns } from "./mapped_columns.ts";

/** How rows of one kind are read and checked. */
export interface RowKind<R extends AskedRow> {
  /** The formats that its rows may have. */
  readonly formats: readonly Format<R>[];
  /** What is wrong with the contents of an example; undefined if nothing is. */
  readonly fault: (row: R, rule: PromptRule) => string | undefined;
}

/** The examples of a row, and the format that it was read by. */
export interface CheckedRow<R> {
  /** Empty if the row prefers no answer; several if it ranks answers. */
  readonly examples: readonly R[];
  /** Name of the format. */
  readonly format: string;
  /** Columns with a value that were not read. */
  readonly unread: readonly string[];
}

/** How rows are read and checked, unless their source says otherwise. */
export type RowSettings = ReadSettings & PromptRule;

/** Where a row stands: `"path" line N`. */
export function whereOf({ path, line }: SourceRow): string {
  return `"${path}" line ${line}`;
}

/** What holds for a source: its own settings before those for all. */
function settingsOf(
  source: SourceRow["source"],
  settings: RowSettings,
): RowSettings {
  const columns = { ...settings.columns, ...source.columns };
  return { ...settings, ...source, columns };
}

/**
 * Reads and checks a row by the settings of its source.
 *
 * @param settings for everything that the source does not set
 * @throws {TypeError} or {RangeError} saying what is wrong with the row
 */
export function readChecked<R extends AskedRow>(
  { line, value, source, fault: unread }: SourceRow,
  { formats, fault }: RowKind<R>,
  settings: RowSettings,
): CheckedRow<R> {
  if (unread !== undefined) throw new TypeError(unread);
  const read = readRows(value, line, formats, settingsOf(source, settings));
  for (const example of read.examples) {
    const wrong = fault(example, settings);
    if (wrong !== undefined) throw new RangeError(wrong);
  }
  return read;
}

/** Checks every row in the first pass over the files and keeps the results by row number. */
export class RowCensus<R extends AskedRow> {
  readonly #kind: RowKind<R>;
  readonly #settings: RowSettings;
  readonly #faults = new Map<number, BadRow>();
  readonly #names: string[] = [];
  readonly #formats: number[] = []; // index of the format for each row number; -1 for broken rows
  readonly #unread = new Set<string>();
  readonly #mapped = new MappedColumns();
  #advice: string | undefined;

  /** An empty census. */
  constructor(kind: RowKind<R>, settings: RowSettings) {
    this.#kind = kind;
    this.#settings = settings;
  }

  /** Checks a row and keeps its format or its fault. */
  add(row: SourceRow, index: number): void {
    this.#mapped.see(row);
    try {
      const { format, unread } = readChecked(row, this.#kind, this.#settings);
      for (const column of unread) this.#unread.add(column);
      if (!this.#names.includes(format)) this.#names.push(format);
      this.#formats[index] = this.#names.indexOf(format);
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof RangeError)) {
        throw error;
      }
      const { value, source } = row;
      this.#advice ??= otherKind(
        value,
        this.#kind.formats,
        settingsOf(source, this.#settings),
      );
      this.#faults.set(index, { where: whereOf(row), fault: error.message });
      this.#formats[index] = -1;
    }
  }

  /** The columns that were not read in any row. */
  get unread(): readonly string[] {
    return [...this.#unread];
  }

  /** For which trainer a bad row could be read; undefined if for none. */
  get advice(): string | undefined {
    return this.#advice;
  }

  /** @throws {TypeError} if `columns` names a column that no row has */
  refuseMappings(): void {
    this.#mapped.refuseAbsent(this.#settings.columns ?? {});
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

  /** The bad ones of the given rows. */
  bad(indices: readonly number[]): BadRow[] {
    if (this.#faults.size === 0) return [];
    return [...new Set(indices)].sort((a, b) => a - b)
      .flatMap((index) => this.#faults.get(index) ?? []);
  }
}
