/**
 * Rows of files -> checked Preferences or Demonstrations. All broken rows are told at once, and none is used.
 */
import {
  detectFormat,
  type Format,
  readRow,
  renameColumns,
} from "./formats.ts";
import type { Demonstration, Preference } from "./preference.ts";
import type { SourceRow } from "./sources.ts";

/** How a kind of rows is read and checked. */
export interface RowKind<R extends Preference | Demonstration> {
  readonly formats: readonly Format<R>[];
  /** What is wrong with a row, undefined if nothing. */
  readonly fault: (row: R) => string | undefined;
}

/** A row that may be used, and where it stands: `"path" line N`. */
export interface CheckedRow<R> {
  readonly row: R;
  readonly where: string;
}

const SHOWN = 5;

/** @throws {TypeError} or {RangeError} telling what is wrong with the row */
export function readChecked<R extends Preference | Demonstration>(
  { line, value }: SourceRow,
  { formats, fault }: RowKind<R>,
  columns: Readonly<Record<string, string>>,
): { row: R; format: string } {
  const record = renameColumns(value, columns);
  const row = readRow(record, line, formats);
  const wrong = fault(row);
  if (wrong !== undefined) throw new RangeError(wrong);
  return { row, format: detectFormat(record, formats).name };
}

function refuseBroken(broken: readonly string[], rows: number): void {
  if (broken.length === 0) return;
  const rest = broken.length - SHOWN;
  const shown = broken.slice(0, SHOWN).join("; ") +
    (rest > 0 ? `; and ${rest} more` : "");
  throw new TypeError(
    broken.length === 1
      ? `Cannot read ${shown}`
      : `Cannot read ${broken.length} of ${rows} rows: ${shown}`,
  );
}

/**
 * Reads all rows, and none if one is broken.
 *
 * @param columns the table's key -> the data's column
 * @throws {TypeError} that tells the first broken rows and how many there are
 */
export function readCheckedRows<R extends Preference | Demonstration>(
  rows: readonly SourceRow[],
  kind: RowKind<R>,
  columns: Readonly<Record<string, string>>,
): { checked: CheckedRow<R>[]; formats: Record<string, number> } {
  const checked: CheckedRow<R>[] = [];
  const formats: Record<string, number> = {};
  const broken: string[] = [];
  for (const source of rows) {
    const where = `"${source.path}" line ${source.line}`;
    try {
      const { row, format } = readChecked(source, kind, columns);
      formats[format] = (formats[format] ?? 0) + 1;
      checked.push({ row, where });
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof RangeError)) {
        throw error;
      }
      broken.push(`${where}: ${error.message}`);
    }
  }
  refuseBroken(broken, rows.length);
  return { checked, formats };
}
