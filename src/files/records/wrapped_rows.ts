/**
 * Finds the rows in a JSON file that is one object: the only list of objects in it, as in
 * `{"data": [...]}`. Says what other objects are.
 */
import { isJsonObject, type JsonObject } from "../disk/json_file.ts";

/** Where the list of rows stands in the text of a file. */
export interface WrappedRows {
  /** The text of the list. */
  readonly text: string;
  /** The line on which the list begins, counted from 1. */
  readonly line: number;
}

const isTurn = (value: JsonObject) => "role" in value || "from" in value;

function isListOfRows(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 &&
    value.every((one) => isJsonObject(one) && !isTurn(one));
}

function listsOf(whole: JsonObject): string[] {
  return Object.keys(whole).filter((key) => isListOfRows(whole[key]));
}

/** The only list of rows in an object; undefined if there is none or several. */
export function wrappedRows(
  text: string,
  whole: JsonObject,
): WrappedRows | undefined {
  const [key, ...others] = listsOf(whole);
  if (key === undefined || others.length > 0) return undefined;
  const [start, end] = placeOf(text, key);
  const line = text.slice(0, start).split("\n").length;
  return { text: text.slice(start, end), line };
}

/** Where the list under a key of the outermost object begins and ends in a valid text. */
function placeOf(text: string, key: string): [start: number, end: number] {
  let [depth, start] = [0, -1];
  let name: string | undefined;
  for (
    const { 0: found, index } of text.matchAll(
      /"[^"\\]*(?:\\.[^"\\]*)*"(?=(\s*:)?)|[[\]{}]/g,
    )
  ) {
    if (found[0] === '"') {
      if (depth === 1) name = JSON.parse(found);
    } else if ("[{".includes(found)) {
      if (depth++ === 1 && name === key && found === "[") start = index;
    } else if (--depth === 1 && start >= 0) return [start, index + 1];
  }
  throw new Error(`the key "${key}" is not in the text`);
}

const isColumn = (value: unknown) =>
  Array.isArray(value) ||
  isJsonObject(value) && Object.keys(value).every((key) => /^\d+$/.test(key));

/** What an object is that is a whole file, and how its rows can be written. */
export function objectAdvice(whole: JsonObject): string {
  const lists = listsOf(whole);
  if (lists.length > 1) {
    return `"${
      lists.join('", "')
    }" are lists of rows: write each into a file of its own`;
  }
  const values = Object.values(whole);
  if (values.length > 1 && values.every(isColumn)) {
    return 'it holds columns: pandas writes rows by to_json(path, orient="records", lines=True)';
  }
  return "one row is written as [{...}], several as a list of them";
}
