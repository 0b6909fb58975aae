/**
 * The type of a record of a data file. It has its own file, so that the readers of the kinds do not
 * import each other.
 */
import type { JsonObject } from "../disk/json_file.ts";

/** A record, and the line of the file on which it begins. */
export interface FileRecord {
  /** The line, counted from 1; in a file without lines the number of the record. */
  readonly line: number;
  /** The record, as it stands in the file. */
  readonly value: JsonObject;
}

/**
 * Whether to read the record with this number, counted from 0. Other records are skipped without
 * being parsed.
 */
export type Wanted = (index: number) => boolean;
