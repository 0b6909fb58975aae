/**
 * Reads JSON files. An error is one line that names the file, and the line of the fault if it is
 * known.
 */
import { NotFound } from "../disk.ts";
import { readText } from "./whole_file.ts";

/** An object of JSON. */
export type JsonObject = Record<string, unknown>;

/** Whether a value is an object of JSON: not null, not an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The kind of a JSON value in words: "an array", "a string", "null". */
export function jsonKind(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/**
 * Parses JSON; a fault is named with its place.
 *
 * @param file the file's path, for the message
 * @param firstLine the line of the file on which `text` begins, if it is only a part of the file
 * @param parse the parser; default `JSON.parse`
 * @throws SyntaxError naming file, line and fault.
 */
export function parseJson(
  text: string,
  file: string,
  firstLine?: number,
  parse: (text: string) => unknown = JSON.parse,
): unknown {
  try {
    return parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const line = /\(line (\d+)/.exec(message)?.[1];
    const fault = message.replace(/ at position [\s\S]*$/, "").replace(
      /, \.*"[\s\S]*is not valid JSON$/,
      "",
    ).replace(/^"\w+" is not valid JSON$/, "it is no value of JSON");
    const isKnown = line !== undefined || firstLine !== undefined;
    const number = (firstLine ?? 1) + Number(line ?? 1) - 1;
    const where = isKnown ? ` line ${number}` : "";
    throw new SyntaxError(
      `Cannot read "${file}"${where}: broken JSON, ${fault}`,
    );
  }
}

/**
 * Reads a file that holds one JSON object.
 *
 * @throws SyntaxError for broken JSON, TypeError if it is no object, NotFound.
 */
export async function readJsonObject(path: string): Promise<JsonObject> {
  const value = parseJson(await readText(path), path);
  if (isJsonObject(value)) return value;
  throw new TypeError(
    `Cannot read "${path}": found ${jsonKind(value)}, expected an object`,
  );
}

/** Reads a file that holds one JSON object; undefined if the file is not there. */
export async function readJsonObjectIfThere(
  path: string,
): Promise<JsonObject | undefined> {
  try {
    return await readJsonObject(path);
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw error;
  }
}
