/**
 * Parses the JSON that Python writes. Floats such as `1.0` or `2e3` stay apart from integers:
 * JavaScript does not keep the point, but Python prints it, and chat templates print numbers of
 * tools and their calls. `NaN` and `Infinity`, which JSON does not have, are read as numbers. Knows
 * no template.
 */

/** A whole number that JSON wrote as a float. It behaves as the number except when printed. */
export class JsonFloat extends Number {}

const MAY_HOLD_ONE = /\d\.0+(?!\d)|\d[eE][+-]?\d/;

/** The third argument that the platform gives to a reviver. */
interface Source {
  readonly source?: string;
}

/** A string, or one of the numbers that JSON does not have. */
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\bInfinity\b|\bNaN\b/g;
/** How they are written so that JSON parses them; no program writes a zero like this. */
const WRITTEN: Readonly<Record<string, string>> = {
  "NaN": "-0E-0",
  "Infinity": "1e999",
  "-Infinity": "-1e999",
};

function revive(_key: string, value: unknown, { source = "" }: Source) {
  if (source === WRITTEN.NaN) return NaN;
  return Number.isInteger(value) && /[.eE]/.test(source)
    ? new JsonFloat(value)
    : value;
}

function parseFloats(text: string): unknown {
  return JSON.parse(
    text,
    revive as (key: string, value: unknown) => unknown,
  );
}

/**
 * Parses JSON. Whole numbers that are written as floats inside lists and objects become
 * `JsonFloat`; `NaN`, `Infinity` and `-Infinity` become numbers, as Python's json reads them.
 *
 * @throws {SyntaxError} as `JSON.parse` does
 */
export function parseWithFloats(text: string): unknown {
  try {
    return MAY_HOLD_ONE.test(text) ? parseFloats(text) : JSON.parse(text);
  } catch (error) {
    const plain = text.replace(
      STRING_OR_NUMBER,
      (found) => WRITTEN[found] ?? found,
    );
    if (plain === text) throw error;
    return parseFloats(plain);
  }
}

/** The plain number of a `JsonFloat`; any other value as it is. */
export function withoutFloat(value: unknown): unknown {
  return value instanceof JsonFloat ? Number(value) : value;
}
