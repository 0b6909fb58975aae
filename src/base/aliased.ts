/**
 * Counts what stands in a value whose parts may be shared, as YAML's aliases share them: a few
 * lines can stand for more values than a computer has room for, once each is written out.
 */

const MOST_VALUES = 1_000_000;

/**
 * Checks that a value can be written out.
 *
 * @throws {RangeError} with the end of a sentence about aliases, if it stands for too many values
 */
export function checkWrittenOut(value: unknown): void {
  const count = countOf(value, new Map());
  if (count <= MOST_VALUES) return;
  throw new RangeError(
    Number.isFinite(count)
      ? `its aliases stand for ${count} values, expected at most ${MOST_VALUES}`
      : "an alias stands inside of what it names, expected values with an end",
  );
}

function countOf(value: unknown, known: Map<object, number>): number {
  if (typeof value !== "object" || value === null) return 1;
  const counted = known.get(value);
  if (counted !== undefined) return counted;
  known.set(value, Infinity); // until its parts are counted: it must not be among them
  const count = Object.values(value).reduce<number>(
    (sum, part) => sum + countOf(part, known),
    1,
  );
  known.set(value, count);
  return count;
}
