/**
 * Sees which columns of a row a format reads, so that the others can be named. Knows no column by
 * its name.
 */
import type { Row } from "./turns.ts";

/** A row under watch. */
export interface WatchedRow {
  /** The row, to be read in its place. */
  readonly row: Row;
  /** The columns with a value that nothing has read so far. */
  readonly unread: () => string[];
}

/** Whether a column has a value: not null, no empty text and no empty list. */
export function hasValue(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return false;
  return !(Array.isArray(value) && value.length === 0);
}

/** Watches which columns of a row are read. */
export function watchColumns(row: Row): WatchedRow {
  const read = new Set<string | symbol>();
  return {
    row: new Proxy(row, {
      get(columns, key) {
        read.add(key);
        return Reflect.get(columns, key);
      },
    }),
    unread: () =>
      Object.keys(row).filter((key) => !read.has(key) && hasValue(row[key])),
  };
}
