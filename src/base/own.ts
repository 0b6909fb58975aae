/** Looks into tables by words that somebody else wrote. */
import { spelled } from "./shown.ts";

/**
 * The entry of a table; undefined if it has none of its own. Every object of JavaScript answers to
 * words such as "constructor" too, which must not be taken for entries.
 */
export function own<T>(
  table: Readonly<Record<string, T>>,
  key: unknown,
): T | undefined {
  const name = spelled(key);
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
