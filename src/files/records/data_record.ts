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
  /** What is wrong with it, if broken records are given and not thrown; `value` is empty then. */
  readonly fault?: string;
}

/**
 * Whether to read the record with this number, counted from 0. Other records are skipped without
 * being parsed.
 */
export type Wanted = (index: number) => boolean;

/**
 * The record on a line; with `lenient` one that cannot be read is given with its fault.
 *
 * @throws {SyntaxError | TypeError} as `read` does, unless `lenient`
 */
export function recordOf(
  line: number,
  lenient: boolean,
  read: () => JsonObject,
): FileRecord {
  try {
    return { line, value: read() };
  } catch (error) {
    const isFault = error instanceof SyntaxError || error instanceof TypeError;
    if (!lenient || !isFault) throw error;
    const fault = error.message.replace(/^Cannot read "[^"]*" line \d+: /, "");
    return { line, value: {}, fault };
  }
}
