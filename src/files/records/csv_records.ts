/**
 * Reads records of CSV and TSV files. The first row names the columns; quoted fields may contain
 * separators, line ends and doubled quotes. Every value is text. Also reads plain text files, with
 * a record for each line.
 */
import { parse } from "@std/csv";
import { type FileRecord, recordOf, type Wanted } from "./data_record.ts";
import { checkRecordLength, textLines } from "./text_stream.ts";

interface RawRow {
  readonly line: number;
  readonly text: string;
}

/** Joins lines until their quotes are closed; blank lines between rows are skipped. */
async function* rawRows(path: string): AsyncGenerator<RawRow> {
  let open: { line: number; parts: string[]; length: number } | undefined;
  for await (const { line, text } of textLines(path)) {
    const closes = countOf('"', text) % 2 === 1;
    if (open === undefined) {
      if (closes) open = { line, parts: [text], length: text.length };
      else if (text.trim() !== "") yield { line, text };
      continue;
    }
    open.parts.push(text);
    open.length += text.length + 1;
    checkRecordLength(open.length, path, open.line);
    if (!closes) continue;
    yield { line: open.line, text: open.parts.join("\n") };
    open = undefined;
  }
  if (open === undefined) return;
  throw new SyntaxError(
    `Cannot read "${path}" line ${open.line}: a quote is opened and never closed`,
  );
}

/** How often a character stands in a text, without a list of the parts between. */
function countOf(character: string, text: string): number {
  let count = 0;
  for (let at = -1; (at = text.indexOf(character, at + 1)) >= 0;) count++;
  return count;
}

/** The most separators of a row, which has a field for each. */
const MOST_SEPARATORS = 1_000_000;

function fieldsOf({ text, line }: RawRow, path: string, separator: string) {
  const count = countOf(separator, text);
  if (count > MOST_SEPARATORS) {
    throw new RangeError(
      `Cannot read "${path}" line ${line}: found ${count} separators in a row, expected at most ${MOST_SEPARATORS}`,
    );
  }
  try {
    return parse(text, { separator })[0] ?? [];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SyntaxError(
      `Cannot read "${path}" line ${line}: broken row, ${error.message}`,
    );
  }
}

/** The rows of a table, as objects of texts. */
export async function* tableRecords(
  path: string,
  wanted: Wanted,
  { separator: named, lenient }: { separator: "," | "\t"; lenient: boolean },
): AsyncGenerator<FileRecord> {
  let names: readonly string[] | undefined;
  let separator: string = named;
  let index = 0;
  for await (const row of rawRows(path)) {
    if (names === undefined) {
      const declared = /^sep=(.)$/i.exec(row.text)?.[1]; // Excel's own line
      separator = declared ?? separatorOf(row.text, separator);
      if (declared !== undefined) continue;
      names = fieldsOf(row, path, separator).map((name) => name.trim());
      checkNames(names, `"${path}" line ${row.line}`);
      continue;
    }
    if (!wanted(index++)) continue;
    const columns = names;
    yield recordOf(row.line, lenient, () => {
      const fields = fieldsOf(row, path, separator);
      checkCount(fields, columns, `"${path}" line ${row.line}`);
      return Object.fromEntries(
        columns.map((name, i) => [name, fields[i] ?? ""]),
      );
    });
  }
}

/**
 * What separates the names of the columns. Excel writes semicolons where a comma is the decimal
 * point; a file whose names its own separator does not part is parted by another one that does.
 */
function separatorOf(names: string, named: string): string {
  const bare = names.replaceAll(/"[^"]*"/g, "");
  const others = [",", "\t", ";"].filter((one) => bare.includes(one));
  return others.includes(named) ? named : others.at(-1) ?? named;
}

/** Two columns of one name would leave only the last one's values. */
function checkNames(names: readonly string[], where: string): void {
  const seen = new Set<string>();
  const twice = names.find((name) => seen.size === seen.add(name).size);
  if (twice === undefined || twice === "") return;
  throw new SyntaxError(
    `Cannot read ${where}: the column ${
      JSON.stringify(twice)
    } stands there twice, expected each name once; rename or remove one`,
  );
}

function checkCount(
  fields: readonly string[],
  { length }: readonly string[],
  where: string,
): void {
  if (fields.length === length) return;
  throw new SyntaxError(
    `Cannot read ${where}: found ${fields.length} fields, expected ${length} as in the first row`,
  );
}

/** The lines of a text file that are not blank, each as `{ text }`. */
export async function* textRecords(
  path: string,
  wanted: Wanted,
): AsyncGenerator<FileRecord> {
  let index = 0;
  for await (const { line, text } of textLines(path)) {
    if (text.trim() === "") continue;
    if (wanted(index++)) yield { line, value: { text } };
  }
}
