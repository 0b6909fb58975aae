/**
 * Keeps floats such as `1.0` or `2e3` apart from integers when JSON is parsed. JavaScript does not
 * keep the point, but Python prints it, and chat templates print numbers of tools and their calls.
 * Knows no template.
 */

/** A whole number that JSON wrote as a float. It behaves as the number except when printed. */
export class JsonFloat extends Number {}

const MAY_HOLD_ONE = /\d\.0+(?!\d)|\d[eE][+-]?\d/;

/** The third argument that the platform gives to a reviver. */
interface Source {
  readonly source?: string;
}

/**
 * Parses JSON. Whole numbers that are written as floats inside lists and objects become
 * `JsonFloat`.
 *
 * @throws {SyntaxError} as `JSON.parse` does
 */
export function parseWithFloats(text: string): unknown {
  if (!MAY_HOLD_ONE.test(text)) return JSON.parse(text);
  const revive = (_key: string, value: unknown, { source = "" }: Source) =>
    Number.isInteger(value) && /[.eE]/.test(source)
      ? new JsonFloat(value)
      : value;
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown);
}

/** The plain number of a `JsonFloat`; any other value as it is. */
export function withoutFloat(value: unknown): unknown {
  return value instanceof JsonFloat ? Number(value) : value;
}
