/** Where rows of a dataset come from, and how they are read. Reads nothing. */
import type { ReadSettings } from "../formats/format.ts";

/**
 * A file, a pattern of files, or a folder with `train.*` and `test.*`, with settings for its rows.
 */
export interface DataSource extends ReadSettings {
  /** Path of a file or folder, or a pattern of files. */
  readonly path: string;
  /** Share of the training rows that is taken, from the first row on: 0 to 1. Default 1. */
  readonly fraction?: number | undefined;
  /** The split that is read for all splits of the run, as a single file would be. */
  readonly split?: string | undefined;
  /**
   * Probability of drawing the next row from this source in an interleaved mixture. Either all
   * sources have one or none has.
   */
  readonly probability?: number | undefined;
}
