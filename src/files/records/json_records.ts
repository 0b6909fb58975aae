/** Reads records of JSON files: JSON Lines, or an array of objects. Knows no columns. */
import { parseWithFloats, withoutFloat } from "../../base/json_float.ts";
import { type FileRecord, recordOf, type Wanted } from "./data_record.ts";
import { arrayElements } from "./json_array.ts";
import { duplicateKey, jsonCause } from "./json_faults.ts";
import { objectAdvice, wrappedRows } from "./wrapped_rows.ts";
import {
  isJsonObject,
  jsonKind,
  type JsonObject,
  parseJson,
} from "../disk/json_file.ts";
import { checkRecordLength, textLines, textPieces } from "./text_stream.ts";

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
  yield* elementRecords(textPieces(path), path, { wanted, lenient });
}

/** The records of the text of an array, whose first line has a number in the file. */
async function* elementRecords(
  pieces: AsyncIterable<string>,
  path: string,
  { wanted, lenient, firstLine = 1 }: {
    readonly wanted: Wanted;
    readonly lenient: boolean;
    readonly firstLine?: number;
  },
): AsyncGenerator<FileRecord> {
  let index = 0;
  for await (
    const { element, line: within, text } of arrayElements(pieces, path)
  ) {
    if (!wanted(index++)) continue;
    const line = within + firstLine - 1;
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
    if (text === "") {
      throw new SyntaxError(
        `Cannot read "${path}" line ${line}: broken JSON, a comma stands before a closing bracket or another comma, remove it`,
      );
    }
    return parseRow(text, path, line);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SyntaxError(`${error.message} (element ${element})`);
  }
}

/** What `parse` gives. @throws {SyntaxError} as it does, with the cause that a text's looks tell */
function explained(text: string, parse: () => unknown): unknown {
  try {
    return parse();
  } catch (error) {
    const cause = jsonCause(text);
    if (cause === undefined || !(error instanceof SyntaxError)) throw error;
    throw new SyntaxError(`${error.message}: ${cause}`);
  }
}

/** A row's value. @throws {SyntaxError} saying why it is none, or which key stands twice */
function parseRow(text: string, path: string, line: number): unknown {
  const value = explained(
    text,
    () => parseJson(text, path, line, parseWithFloats),
  );
  const key = duplicateKey(text, value);
  if (key === undefined) return value;
  throw new SyntaxError(
    `Cannot read "${path}" line ${line}: the key ${
      JSON.stringify(key)
    } stands twice in one object, expected each key once; rename or remove one`,
  );
}

async function* filledLines(
  path: string,
): AsyncGenerator<{ line: number; text: string }> {
  for await (const entry of textLines(path)) {
    if (entry.text.trim() !== "") yield entry;
  }
}

/**
 * The records of JSON Lines, one object on each line; blank lines are skipped. A file that begins
 * like an array is read as one, whatever its name says.
 */
export async function* lineRecords(
  path: string,
  wanted: Wanted,
  lenient: boolean,
): AsyncGenerator<FileRecord> {
  if (await beginsWithArray(path)) {
    yield* arrayRecords(path, wanted, lenient);
    return;
  }
  let index = 0;
  for await (const { line, text } of filledLines(path)) {
    if (!wanted(index++)) continue;
    yield recordOf(line, lenient, () => {
      return asObject(parseRow(text, path, line), `"${path}" line ${line}`);
    });
  }
}

/**
 * The records of a `.json` file without an array: JSON Lines, or the only list of rows in one
 * object.
 */
async function* objectRecords(
  path: string,
  wanted: Wanted,
  lenient: boolean,
): AsyncGenerator<FileRecord> {
  const only = await soleObject(path);
  if (only === undefined) {
    yield* lineRecords(path, wanted, lenient);
    return;
  }
  const rows = wrappedRows(only.text, only.value);
  if (rows === undefined) return refuseObject(path, only.value);
  const { line: firstLine } = rows;
  const pieces = ReadableStream.from([rows.text]);
  yield* elementRecords(pieces, path, { wanted, lenient, firstLine });
}

/** The object that is the whole file; undefined if the first line alone is a record. */
async function soleObject(
  path: string,
): Promise<{ text: string; value: JsonObject } | undefined> {
  let lines = 0;
  let first = "";
  for await (const { text } of filledLines(path)) {
    if (lines++ === 0) first = text;
    else break;
  }
  if (lines === 0 || (lines > 1 && isJson(first))) return undefined;
  let text = "";
  for await (const piece of textPieces(path)) {
    text += piece;
    checkRecordLength(text.length, path, 1);
  }
  const value = explained(
    /[}\]],?\s*$/.test(first) ? first : "",
    () => parseJson(text, path, undefined, parseWithFloats),
  );
  return { text, value: asObject(value, `"${path}"`) };
}

function isJson(text: string): boolean {
  try {
    parseWithFloats(text);
    return true;
  } catch {
    return false;
  }
}

function refuseObject(path: string, value: JsonObject): never {
  throw new TypeError(
    `Cannot read records of "${path}": found one object with keys "${
      Object.keys(value).slice(0, 20).join('", "')
    }", expected an array of objects or one object a line; ${
      objectAdvice(value)
    }`,
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
