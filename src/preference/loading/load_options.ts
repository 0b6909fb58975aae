/**
 * What the loading of a dataset is told and what it gives: plain types, for the load itself and for
 * its cache.
 */
import type { BadRowRule } from "./bad_rows.ts";
import type { PromptRule } from "../formats/check.ts";
import type { Filters } from "./example_kinds.ts";
import type { LoadReport } from "./load_report.ts";
import type { DrawOptions } from "./sources.ts";
import type { ReadSettings } from "../formats/format.ts";
import type { LengthLimits } from "../tokens/length.ts";
import type { Encoder } from "../tokens/tokenize.ts";

/** How rows are drawn, tokenized and cut. */
export interface LoadDataOptions
  extends
    Omit<DrawOptions, "usable">,
    ReadSettings,
    PromptRule,
    BadRowRule,
    Filters {
  /** Tokenizer and chat template. */
  readonly encoder: Encoder;
  /** Most tokens of a sequence, and what happens to longer ones. Default: no limits. */
  readonly limits?: LengthLimits | undefined;
  /** Most examples to keep; the first usable ones are kept. Default: all. */
  readonly maxSamples?: number | undefined;
  /**
   * Whether every column that `columns` names must be in some row. Default true; a run's evaluation
   * file may have other columns than its training file.
   */
  readonly mappedOnly?: boolean | undefined;
  /** Whether to leave out examples that have the same tokens as an earlier one. Default false. */
  readonly dedupe?: boolean;
  /**
   * Size of the files in bytes above which rows are not kept in memory but read again when they are
   * drawn. Default 256 MiB.
   */
  readonly memoryBytes?: number;
  /** Folder of the token cache; default: tokens are not cached. */
  readonly cacheFolder?: string | undefined;
  /** Called now and then with the number of finished rows and of all rows. */
  readonly onProgress?: (done: number, rows: number) => void;
}

/** The result of a load. */
export interface Loaded<T> {
  /** The examples to train on or to evaluate, in order. */
  readonly examples: readonly T[];
  /** For each example the index of its file in `report.sources`. */
  readonly files: readonly number[];
  /** What happened to every row. */
  readonly report: LoadReport;
}
