/**
 * Records of a dataset's file: JSON Lines, or an array of objects, plain or gzipped. Knows no columns.
 */
import { join } from "@std/path";
import { arrayElements } from "./json_array.ts";
import {
  isJsonObject,
  jsonKind,
  type JsonObject,
  parseJson,
} from "./json_file.ts";
import { textLines, textPieces } from "./text_stream.ts";

/** One record and the line of the file on which it begins. */
export interface FileRecord {
  /** Counted from 1. */
  readonly line: number;
  /** The record, as it stands in the file. */
  readonly value: JsonObject;
}

const KINDS = [".jsonl", ".jsonl.gz", ".json", ".json.gz"];

/**
 * Reads the records of a file as a stream. Blank lines are passed over; a `.json` file may hold
 * JSON Lines as well as an array.
 *
 * @throws SyntaxError for broken JSON, TypeError for what is no object, RangeError for an empty file;
 * each names file and line.
 */
export async function* readRecords(path: string): AsyncGenerator<FileRecord> {
  if (!KINDS.some((kind) => path.endsWith(kind))) {
    throw new TypeError(
      `Cannot read records of "${path}": wanted a file that ends in ${
        KINDS.join(", ")
      }`,
    );
  }
  const isLines = /\.jsonl(\.gz)?$/.test(path);
  const records = isLines
    ? fromLines(path)
    : await beginsWithArray(path)
    ? fromArray(path)
    : fromObjects(path);
  let count = 0;
  for await (const record of records) {
    count++;
    yield record;
  }
  if (count === 0) {
    throw new RangeError(`Cannot read "${path}": it has no records`);
  }
}

async function beginsWithArray(path: string): Promise<boolean> {
  for await (const piece of textPieces(path)) {
    const first = piece.trimStart()[0];
    if (first !== undefined) return first === "[";
  }
  return false;
}

async function* fromArray(path: string): AsyncGenerator<FileRecord> {
  for await (
    const { element, line, text } of arrayElements(textPieces(path), path)
  ) {
    const value = parseElement(text, path, line, element);
    yield {
      line,
      value: asObject(value, `"${path}" line ${line}, element ${element}`),
    };
  }
}

function parseElement(
  text: string,
  path: string,
  line: number,
  element: number,
): unknown {
  try {
    return parseJson(text, path, line);
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

async function* fromLines(path: string): AsyncGenerator<FileRecord> {
  for await (const { line, text } of filledLines(path)) {
    const value = parseJson(text, path, line);
    yield { line, value: asObject(value, `"${path}" line ${line}`) };
  }
}

/** A `.json` file without an array: JSON Lines under another name, or one object, which is refused. */
async function* fromObjects(path: string): AsyncGenerator<FileRecord> {
  const only = await soleObject(path);
  if (only !== undefined) refuseObject(path, Object.keys(only));
  yield* fromLines(path);
}

/** The object that makes up a whole file; undefined if its first line is a record of its own. */
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
  return asObject(parseJson(whole, path), `"${path}"`);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function refuseObject(path: string, keys: readonly string[]): never {
  throw new TypeError(
    `Cannot read records of "${path}": found one object with keys "${
      keys.slice(0, 20).join('", "')
    }", wanted an array of objects or one object a line`,
  );
}

function asObject(value: unknown, where: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw new TypeError(
    `Cannot read ${where}: found ${jsonKind(value)}, wanted an object`,
  );
}

/**
 * The file that holds a split of a dataset: the path itself if it is a file, else `<split>.*` in the folder.
 *
 * @param split `train` or `test`, as in `dataset_splits`
 * @throws Deno.errors.NotFound if there is none, telling what is there; TypeError if there are several.
 */
export async function resolveDataset(
  path: string,
  split: string,
): Promise<string> {
  const info = await Deno.stat(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Deno.errors.NotFound(
      `Cannot find dataset "${path}": no such file or folder; run deno task download RECIPE if it is on a hub`,
    );
  });
  if (info.isFile) return path;
  const names: string[] = [];
  for await (const { name } of Deno.readDir(path)) names.push(name);
  const fits = names.filter((name) =>
    KINDS.some((kind) => name === split + kind)
  );
  if (fits.length === 1) return join(path, fits[0]!);
  const found = (fits.length > 1 ? fits : names).sort().slice(0, 20);
  const message = `Cannot find split "${split}" in "${path}": found "${
    found.join('", "')
  }", wanted one of ${KINDS.map((kind) => `"${split}${kind}"`).join(", ")}`;
  throw fits.length > 1
    ? new TypeError(message)
    : new Deno.errors.NotFound(message);
}
