/**
 * A recipe's text to the record of options that it holds. Reads no file and checks no option.
 *
 * @module
 */
import { parse as parseJsonc } from "@std/jsonc";
import { extname } from "@std/path";
import { parse as parseYaml } from "@std/yaml";
import { checkWrittenOut } from "../../base/aliased.ts";
import { isTooDeep, TOO_DEEP } from "../../base/too_deep.ts";
import { isRecord } from "../../base/composite_option.ts";

const parsers: Readonly<Record<string, (text: string) => unknown>> = {
  ".json": parseJsonc,
  ".jsonc": parseJsonc,
  ".yaml": parseYaml,
  ".yml": parseYaml,
};

/** How the names of recipes end. */
export const RECIPE_ENDINGS = /\.(jsonc?|ya?ml)$/i;

/**
 * Parses a recipe: JSON with comments, or YAML, as the ending of `path` says.
 *
 * @throws {TypeError} If the ending is another, or the recipe is no mapping
 * @throws {SyntaxError} With path and line, if the text cannot be parsed
 */
export function parseRecipe(
  text: string,
  path: string,
): Record<string, unknown> {
  const ending = extname(path).toLowerCase();
  const parse = Object.hasOwn(parsers, ending) ? parsers[ending] : undefined;
  if (parse === undefined) {
    throw new TypeError(
      `Cannot read recipe "${path}": found ending "${
        extname(path)
      }", expected ${Object.keys(parsers).join(", ")}`,
    );
  }
  let value: unknown;
  try {
    checkLength(text);
    value = parse(text);
    checkWrittenOut(value);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (isTooDeep(error)) {
      throw new SyntaxError(`Cannot read recipe "${path}": ${TOO_DEEP}`);
    }
    throw new SyntaxError(
      `Cannot read recipe "${path}"${located(error.message, text)}`,
    );
  }
  if (!isRecord(value)) {
    throw new TypeError(
      `Cannot read recipe "${path}": found ${
        kind(value)
      }, expected a mapping of options`,
    );
  }
  const { length } = Object.keys(value);
  if (length <= MOST_KEYS) return value;
  throw new RangeError(
    `Cannot read recipe "${path}": found ${length} keys, expected at most ${MOST_KEYS}`,
  );
}

/** Each key is looked for in the tables of all tools; there are some 300 options. */
const MOST_KEYS = 10_000;

const MOST_CHARACTERS = 10_000_000;

/** YAML copies what `<<` merges, each time that it does. */
const MOST_MERGED = 1000;

function checkLength(text: string): void {
  if (text.length > MOST_CHARACTERS) {
    throw new RangeError(
      `found ${text.length} characters, expected at most ${MOST_CHARACTERS}`,
    );
  }
  const aliases = text.includes("<<") ? text.split("*").length - 1 : 0;
  if (aliases > MOST_MERGED) {
    throw new RangeError(
      `found ${aliases} aliases beside "<<", expected at most ${MOST_MERGED}`,
    );
  }
}

function kind(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}

/** The parser's message as ` line N: what`, whichever way it gives the place. */
function located(message: string, text: string): string {
  const [first = ""] = message.split("\n");
  const position =
    /^(?:Cannot parse JSONC: )?(.*?)(?: in JSONC)? at position (\d+)$/
      .exec(first);
  if (position !== null) {
    const [, what, offset] = position;
    const line = text.slice(0, Number(offset)).split("\n").length;
    return ` line ${line}: ${what}`;
  }
  const [, what, line] = /^(.*?) at line (\d+), column \d+:?$/.exec(first) ??
    [];
  return line === undefined ? `: ${first}` : ` line ${line}: ${what}`;
}
