/**
 * One record of a data file. Declared apart, so that the readers of the kinds do not know each
 * other.
 */
import type { JsonObject } from "../disk/json_file.ts";

/** One record and the line of the file on which it begins. */
export interface FileRecord {
  /** Counted from 1; in a file without lines the record's number. */
  readonly line: number;
  /** The record, as it stands in the file. */
  readonly value: JsonObject;
}

/**
 * Whether the record of this number, counted from 0, is to be read; others are passed over
 * unparsed.
 */
export type Wanted = (index: number) => boolean;
