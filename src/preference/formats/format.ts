/**
 * Finds the format of a row by its keys, in one of the tables preference_formats.ts,
 * demonstration_formats.ts and feedback_formats.ts, and reads the row by it. Knows only the columns
 * that every format may have.
 */
import { own } from "../../base/own.ts";
import { parseWithFloats } from "../../base/json_float.ts";
import type { AskedRow, RowContext } from "./preference.ts";
import type { Ranking } from "./rankings.ts";
import { watchColumns } from "./read_columns.ts";
import { unservedFault } from "./unserved_columns.ts";
import { isRow, keyList, listAt, type Row } from "./turns.ts";
import { withWrittenTurns } from "../../text/written_turns.ts";

/**
 * A Preference, Demonstration or Feedback without the fields of its row (line, tools, variables);
 * with tools if its format keeps them elsewhere than in `tools`.
 */
export type Draft<T> =
  & Omit<T, keyof RowContext>
  & Pick<RowContext, "tools">;

/** One format of dataset: a row of a table. */
export interface Format<T> {
  /** Its name in reports and in the option that forces it. */
  readonly name: string;
  /**
   * The keys that a row must have; `"a|b"` means either key. The first format that fits is taken.
   */
  readonly keys: readonly string[];
  /** A further condition on the values, for formats that share their keys with another. */
  readonly fits?: (row: Row) => boolean;
  /** An example of a row, for help pages. */
  readonly looks: string;
  /** Who writes such rows: datasets, or tools whose documentation names the columns. */
  readonly from: string;
  /**
   * Reads a row that has the keys into any number of drafts.
   *
   * @throws {TypeError} naming the key that is wrong
   */
  readonly read: (
    row: Row,
    ranking: Ranking,
  ) => Draft<T> | readonly Draft<T>[];
}

/** A user's settings for the columns of a source. */
export interface ReadSettings {
  /** The format's key -> the data's column, where they differ. */
  readonly columns?: Readonly<Record<string, string>> | undefined;
  /** Names of the keys and roles inside the turns, where they are not known ones. */
  readonly turns?: TurnKeys | undefined;
  /** Name of the only format to use; default: the first that fits. */
  readonly format?: string | undefined;
  /** Which pairs are made of ranked answers; default: the best with the worst. */
  readonly ranking?: Ranking;
  /**
   * Whether rows are read although they have pictures, sounds or parts of the prompt that are not
   * served. Default false: they are refused.
   */
  readonly ignoreUnserved?: boolean | undefined;
}

/** The names that a source uses inside its turns. */
export interface TurnKeys {
  /** Key of the speaker; default `role`. */
  readonly role?: string | undefined;
  /** Key of the text; default `content`. */
  readonly content?: string | undefined;
  /** The source's name of a speaker -> `system`, `user`, `assistant` or `tool`. */
  readonly roles?: Readonly<Record<string, string>>;
}

/**
 * The first key of `"a|b"` that a row has. Tables give every row every key, so a key whose value is
 * null or an empty text counts only if no other key is given.
 */
export function keyIn(row: Row, keys: string): string {
  const names = keys.split("|");
  return names.find((key) => isGiven(row, key) && row[key] !== "") ??
    names.find((key) => isGiven(row, key)) ??
    names.find((key) => key in row) ?? keys;
}

function isGiven(row: Row, key: string): boolean {
  return row[key] !== null && row[key] !== undefined;
}

/** Whether a row gives a value for a key, or a text that is not empty for one of `"a|b"`. */
function gives(row: Row, keys: string): boolean {
  const key = keyIn(row, keys);
  return isGiven(row, key) && (key === keys || row[key] !== "");
}

/** The value of the first key of `"a|b"` that a row has. */
export function pick(row: Row, keys: string): unknown {
  return row[keyIn(row, keys)];
}

function missingKeys<T>(row: Row, { keys }: Format<T>): string[] {
  return keys.filter((either) => !either.split("|").some((key) => key in row));
}

/** Whether a row has the keys of a format and fits its condition. */
export function fitsFormat<T>(row: Row, format: Format<T>): boolean {
  return missingKeys(row, format).length === 0 && (format.fits?.(row) ?? true);
}

/** Keys of the plainest formats, which a row is most likely meant to have. */
const PLAIN = ["prompt", "chosen", "rejected", "completion", "label"];
const isPlain = (keys: string) => PLAIN.includes(keys.split("|")[0] ?? "");

/**
 * The format that a row is nearest to: it shares the most keys, and what it lacks has plain names
 * and is the least. Undefined if none shares a key.
 */
function nearest<T>(
  row: Row,
  formats: readonly Format<T>[],
): Format<T> | undefined {
  // of equals the last one is the most general
  const places = formats.toReversed().map((format) => {
    const missing = missingKeys(row, format);
    const shared = format.keys.length - missing.length;
    const foreign = missing.filter((keys) => !isPlain(keys)).length;
    return { format, missing: missing.length, shared, foreign };
  });
  return places.filter(({ shared, missing }) => shared > 0 && missing > 0)
    .sort((a, b) =>
      b.shared - a.shared || a.foreign - b.foreign || a.missing - b.missing
    )[0]?.format;
}

/** What a user maps to give a row some keys: `--columns=chosen=...,rejected=...`. */
function mapping(keys: readonly string[]): string {
  return `--columns=${keys.map((key) => `${key}=...`).join(",")}`;
}

const SHOWN = 12;

function shownKeys(row: Row): string {
  const keys = Object.keys(row);
  if (keys.length === 0) return "none: the row is empty";
  const more = keys.length - SHOWN;
  return keyList(keys.slice(0, SHOWN)) + (more > 0 ? ` and ${more} more` : "");
}

/** Says that no format fits a row, and what the nearest one lacks. */
function misfit<T>(row: Row, formats: readonly Format<T>[]): string {
  const found = shownKeys(row);
  const near = nearest(row, formats);
  if (near !== undefined) {
    const missing = missingKeys(row, near).map((keys) => keys.split("|")[0]!);
    const are = missing.length === 1 ? "is" : "are";
    return `${
      keyList(missing)
    } ${are} missing, found keys ${found}; the nearest layout is "${near.name}": ${
      mapping(missing)
    } names your columns`;
  }
  const plain = formats.find(({ keys }) => keys.every(isPlain)) ?? formats[0];
  const wanted = plain?.keys.map((keys) => keys.split("|")[0]!) ?? [];
  return `no known layout, found keys ${found}; ${
    mapping(wanted)
  } names your columns, docs/reference/formats.md lists the layouts`;
}

/**
 * The format of a row, by its keys.
 *
 * @throws {TypeError} naming the keys that are missing from the nearest format, and the keys found
 */
export function detectFormat<T>(
  row: Row,
  formats: readonly Format<T>[],
): Format<T> {
  const fit =
    formats.find((format) =>
      fitsFormat(row, format) && format.keys.every((keys) => gives(row, keys))
    ) ?? formats.find((format) => fitsFormat(row, format));
  if (fit !== undefined) return fit;
  throw new TypeError(misfit(row, formats));
}

/** @throws {TypeError} if there is no format of that name */
function namedFormat<T>(
  name: string,
  formats: readonly Format<T>[],
): Format<T> {
  const format = formats.find((one) => one.name === name);
  if (format !== undefined) return format;
  throw new TypeError(
    `no format is called "${name}", expected ${
      keyList(formats.map((one) => one.name))
    }`,
  );
}

/**
 * A row with its columns renamed to the table's keys.
 *
 * @param columns the table's key -> the row's column, as in `{ "chosen": "answer_good" }`
 */
export function renameColumns(
  row: Row,
  columns: Readonly<Record<string, string>>,
): Row {
  const used = new Set(Object.values(columns));
  const rest = Object.entries(row).filter(([key]) => !used.has(key));
  const renamed = Object.entries(columns)
    .filter(([, column]) => Object.hasOwn(row, column))
    .map(([key, column]) => [key, row[column]] as const);
  return Object.fromEntries([...rest, ...renamed]);
}

/**
 * A row with the keys and speakers of its turns renamed to `role`, `content` and the standard four.
 */
export function renameTurns(row: Row, keys: TurnKeys): Row {
  const { role = "role", content = "content", roles = {} } = keys;
  const turn = (value: unknown): unknown => {
    if (!isRow(value) || !Object.hasOwn(value, role)) return value;
    const { [role]: speaker, [content]: text, ...rest } = value;
    const known = own(roles, speaker) ?? speaker;
    return {
      ...rest,
      role: known,
      ...(text === undefined ? {} : { content: text }),
    };
  };
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [
      key,
      Array.isArray(value) ? value.map(turn) : turn(value),
    ]),
  );
}

/** A row with null for each NaN: tables of numbers write it where a row has no value. */
function withoutNaN(row: Row): Row {
  return Object.values(row).some(Number.isNaN)
    ? Object.fromEntries(
      Object.entries(row).map(([key, value]) =>
        [key, Number.isNaN(value) ? null : value] as const
      ),
    )
    : row;
}

/** A row with the columns and turns of its source in the names of the table, and turns read. */
export function standardRow(
  row: Row,
  { columns = {}, turns }: Pick<ReadSettings, "columns" | "turns">,
): Row {
  const read = withWrittenTurns(
    renameColumns(withoutNaN(row), columns),
    turns,
  );
  return turns === undefined ? read : renameTurns(read, turns);
}

/** Tools and template variables of a row. Each may be given as JSON data or as JSON text. */
function contextOf(row: Row): Omit<RowContext, "line"> {
  const { tools, chat_template_kwargs: given } = row;
  const isNone = (value: unknown) =>
    value === undefined || value === null || value === "";
  return {
    ...(isNone(tools) ? {} : { tools: listAt(tools, "tools") }),
    ...(isNone(given) ? {} : { variables: variablesAt(given) }),
  };
}

function variablesAt(value: unknown): Row {
  let parsed = value;
  try {
    if (typeof value === "string") parsed = parseWithFloats(value);
  } catch {
    parsed = undefined;
  }
  if (isRow(parsed)) return parsed;
  throw new TypeError(
    `"chat_template_kwargs" is ${
      JSON.stringify(value)
    }, expected an object or JSON text of one`,
  );
}

/** The examples of a row, and the format that it was read by. */
export interface ReadRow<T> {
  /** Empty if the row prefers no answer; several if it ranks answers. */
  readonly examples: readonly T[];
  /** Name of the format. */
  readonly format: string;
  /** Columns of the row that have a value and were not read. */
  readonly unread: readonly string[];
}

/**
 * Reads a row by the first format that fits, or by the one that the settings name.
 *
 * @throws {TypeError} naming the key that is missing or of a wrong type; {RangeError} for a value
 */
export function readRows<T extends AskedRow>(
  row: Row,
  line: number,
  formats: readonly Format<T>[],
  settings: ReadSettings = {},
): ReadRow<T> {
  const { ranking = "best_worst", ignoreUnserved = false } = settings;
  const record = standardRow(row, settings);
  const format = settings.format === undefined
    ? detectFormat(record, formats)
    : detectFormat(record, [namedFormat(settings.format, formats)]);
  const watched = watchColumns(record);
  const drafts = format.read(watched.row, ranking);
  const list: readonly Draft<T>[] = Array.isArray(drafts) ? drafts : [drafts];
  const context = { ...contextOf(watched.row), line };
  const examples = list.map((draft) => ({ ...draft, ...context }) as T);
  // a tie is left before its answers are read
  const unread = examples.length === 0 ? [] : watched.unread();
  const fault = ignoreUnserved
    ? undefined
    : unservedFault(record, unread, examples);
  if (fault !== undefined) throw new TypeError(fault);
  return { examples, format: format.name, unread };
}

/**
 * Reads a row that makes exactly one example.
 *
 * @throws as `readRows` does; {TypeError} if the row makes none or several
 */
export function readRow<T extends AskedRow>(
  row: Row,
  line: number,
  formats: readonly Format<T>[],
  settings: ReadSettings = {},
): T {
  const { examples: [first, ...more], format } = readRows(
    row,
    line,
    formats,
    settings,
  );
  if (first !== undefined && more.length === 0) return first;
  throw new TypeError(
    `the row makes ${
      first === undefined ? 0 : more.length + 1
    } examples by the format ${format}, expected one`,
  );
}
