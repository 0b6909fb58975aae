/** Reads records of JSON files: JSON Lines, or an array of objects. Knows no columns. */
import { parseWithFloats, withoutFloat } from "../../base/json_float.ts";
import { type FileRecord, recordOf, type Wanted } from "./data_record.ts";
import { arrayElements } from "./json_array.ts";
import {
  isJsonObject,
  jsonKind,
  type JsonObject,
  parseJson,
} from "../disk/json_file.ts";
import { textLines, textPieces } from "./text_stream.ts";

async function beginsWithArray(path: string): Promise<boolean> {
  for await (const piece of textPieces(path)) {
    const first = piece.trimStart()[0];
    if (first !== undefined) return first === "[";
  }
  return false;
}

/** The records of a `.json` file: an array of objects, or JSON Lines. */
export async function* jsonRecords(
  path: string,
  wanted: Wanted,
  lenient: boolean,
): AsyncGenerator<FileRecord> {
  yield* await beginsWithArray(path)
    ? arrayRecords(path, wanted, lenient)
    : objectRecords(path, wanted, lenient);
}

async function* arrayRecords(
  path: string,
  wanted: Wanted,
  lenient: boolean,
): AsyncGenerator<FileRecord> {
  let index = 0;
  for await (
    const { element, line, text } of arrayElements(textPieces(path), path)
  ) {
    if (!wanted(index++)) continue;
    yield recordOf(line, lenient, () => {
      const value = parseElement(text, path, line, element);
      return asObject(value, `"${path}" line ${line}, element ${element}`);
    });
  }
}

function parseElement(
  text: string,
  path: string,
  line: number,
  element: number,
): unknown {
  try {
    return parseJson(text, path, line, parseWithFloats);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SyntaxError(`${error.message} (element ${element})`);
  }
}

async function* filledLines(
  path: string,
): AsyncGenerator<{ line: number; text: string }> {
  for await (const entry of textLines(path)) {
    if (entry.text.trim() !== "") yield entry;
  }
}

/** The records of JSON Lines, one object on each line; blank lines are skipped. */
export async function* lineRecords(
  path: string,
  wanted: Wanted,
  lenient: boolean,
): AsyncGenerator<FileRecord> {
  let index = 0;
  for await (const { line, text } of filledLines(path)) {
    if (!wanted(index++)) continue;
    yield recordOf(line, lenient, () => {
      const value = parseJson(text, path, line, parseWithFloats);
      return asObject(value, `"${path}" line ${line}`);
    });
  }
}

/**
 * The records of a `.json` file without an array: JSON Lines. A file that is a single object is
 * refused.
 */
async function* objectRecords(
  path: string,
  wanted: Wanted,
  lenient: boolean,
): AsyncGenerator<FileRecord> {
  const only = await soleObject(path);
  if (only !== undefined) refuseObject(path, Object.keys(only));
  yield* lineRecords(path, wanted, lenient);
}

/** The object that is the whole file; undefined if the first line alone is a record. */
async function soleObject(path: string): Promise<JsonObject | undefined> {
  let lines = 0;
  let first = "";
  for await (const { text } of filledLines(path)) {
    if (lines++ === 0) first = text;
    else break;
  }
  if (lines === 0 || (lines > 1 && isJson(first))) return undefined;
  let whole = "";
  for await (const piece of textPieces(path)) whole += piece;
  const value = parseJson(whole, path, undefined, parseWithFloats);
  return asObject(value, `"${path}"`);
}

function isJson(text: string): boolean {
  try {
    parseWithFloats(text);
    return true;
  } catch {
    return false;
  }
}

function refuseObject(path: string, keys: readonly string[]): never {
  throw new TypeError(
    `Cannot read records of "${path}": found one object with keys "${
      keys.slice(0, 20).join('", "')
    }", expected an array of objects or one object a line`,
  );
}

function asObject(value: unknown, where: string): JsonObject {
  if (isJsonObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, part]) => [key, withoutFloat(part)]),
    );
  }
  throw new TypeError(
    `Cannot read ${where}: found ${jsonKind(value)}, expected an object`,
  );
}
