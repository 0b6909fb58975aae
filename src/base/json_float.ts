/**
 * Whole numbers that JSON writes as floats, `1.0` or `2e3`: JavaScript forgets the point, Python
 * prints it, and chat templates print what tools and their calls hold. Knows no template.
 */

/** Such a number; everywhere but in print it is the number. */
export class JsonFloat extends Number {}

const MAY_HOLD_ONE = /\d\.0+(?!\d)|\d[eE][+-]?\d/;

/** What the platform gives a reviver beside key and value. */
interface Source {
  readonly source?: string;
}

/**
 * Parses JSON; whole floats inside lists and objects stay floats.
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

/** A value as a plain number where it is such a float. */
export function withoutFloat(value: unknown): unknown {
  return value instanceof JsonFloat ? Number(value) : value;
}
