/**
 * Values and lists of problems in messages. A file from elsewhere may have a key of a megabyte or
 * a million unknown keys; a message has room for the beginning.
 *
 * @module
 */

const MOST_CHARACTERS = 300;
const MOST_PROBLEMS = 20;

/** A value as JSON, or the beginning of it. */
export function shown(value: unknown): string {
  const json = jsonOf(value);
  if (json.length <= MOST_CHARACTERS) return json;
  return `${json.slice(0, MOST_CHARACTERS)}... (${json.length} characters)`;
}

function jsonOf(value: unknown): string {
  try {
    return String(JSON.stringify(value));
  } catch {
    return String(value); // values inside values without an end, or a bigint
  }
}

/** Problems, or names, in one sentence: the first ones, and how many more there are. */
export function listed(problems: readonly string[], glue = "; "): string {
  const rest = problems.length - MOST_PROBLEMS;
  const first = problems.slice(0, MOST_PROBLEMS).join(glue);
  return rest > 0 ? `${first}${glue}and ${rest} more` : first;
}

/** A text as it is, any other value as JSON: what a key that should hold a name is compared by. */
export function spelled(value: unknown): string {
  return typeof value === "string" ? value : jsonOf(value);
}

/**
 * A value as `String()` gives it, but for objects, which are JSON: `String()` throws for an object
 * of a file that has a key `toString`.
 */
export function worded(value: unknown): string {
  if (Array.isArray(value)) {
    return value.map((one) => worded(one ?? "")).join();
  }
  return typeof value === "object" && value !== null
    ? jsonOf(value)
    : String(value);
}

/** A value as `Number()` gives it, but for objects and lists, for which it may throw: NaN. */
export function numbered(value: unknown): number {
  return typeof value === "object" && value !== null ? NaN : Number(value);
}
