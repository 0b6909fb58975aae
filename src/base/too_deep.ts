/**
 * The JavaScript engine's error of calls inside calls, which a value or text of deep nesting ends
 * in wherever it is walked through.
 */

/** What is said of it. */
export const TOO_DEEP = "it is nested too deep";

/** Whether an error is that one. */
export function isTooDeep(error: unknown): boolean {
  return error instanceof RangeError && /call stack/.test(error.message);
}
