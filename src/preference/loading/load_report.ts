/**
 * The report of a load: how many rows were kept or dropped, for which reasons and at which lines,
 * and the lengths of the examples. Plain data.
 */
import type { HeldOut } from "./sources.ts";
import type { TokenSequence } from "../tokens/token_examples.ts";

/** How often something happened, and at which rows first. */
export interface Tally {
  /** Number of rows to which it happened. */
  readonly count: number;
  /** The places of the first five rows, each as `"path" line N`. */
  readonly where: readonly string[];
}

/** Statistics of lengths, in tokens. */
export interface Lengths {
  /** The smallest length. */
  readonly min: number;
  /** The median. */
  readonly median: number;
  /** The 90th percentile. */
  readonly p90: number;
  /** The 99th percentile. */
  readonly p99: number;
  /** The largest length. */
  readonly max: number;
  /** The mean. */
  readonly mean: number;
}

/** The report of one load. */
export interface LoadReport {
  /** The files read, each with its number of rows and the number taken of them. */
  readonly sources: readonly {
    readonly path: string;
    readonly rows: number;
    readonly taken: number;
  }[];
  /** The formats found, each with its number of rows. */
  readonly formats: Readonly<Record<string, number>>;
  /** Number of rows drawn. */
  readonly rows: number;
  /** Number of examples kept. */
  readonly kept: number;
  /** Number of rows that were not read, since `max_samples` examples were kept before. */
  readonly beyond: number;
  /** The rows left out, by reason. */
  readonly dropped: Readonly<Record<string, Tally>>;
  /** What was decided about rows that are kept, with the places of the first ones. */
  readonly told: Readonly<Record<string, Tally>>;
  /** Rows kept from training, where a small file has fewer than were asked for. */
  readonly limited?: HeldOut | undefined;
  /** The columns that have a value in some row and that nothing reads. */
  readonly unread: readonly string[];
  /** Rows in which prompt and answer together do not begin with the prompt's own tokens. */
  readonly moved: Tally;
  /** Rows that were cut by the length policy. */
  readonly cut: Tally;
  /**
   * Lengths of the kept examples, by part: prompt, chosen, rejected and total, or prompt,
   * completion and total.
   */
  readonly lengths: Readonly<Record<string, Lengths>>;
  /** Number of good and bad answers; given for judged answers only. */
  readonly labels?: { readonly good: number; readonly bad: number };
  /**
   * The number of bins that the examples were packed into, and the most tokens of a bin; absent
   * without packing.
   */
  readonly packed?: { readonly bins: number; readonly maxLength: number };
  /** Path of the token cache's file; absent if the rows were tokenized now. */
  readonly cached?: string;
  /**
   * Number of tokens of all sequences (`full`), and of those computed when a shared prefix is
   * computed once (`computed`).
   */
  readonly tokens: { readonly full: number; readonly computed: number };
}

const SHOWN = 5;

/** A tally that can still grow. */
export interface OpenTally {
  count: number;
  where: string[];
}

/** Adds a row to a tally. */
export function tally(into: OpenTally, where: string): void {
  into.count++;
  if (into.where.length < SHOWN) into.where.push(where);
}

/** Statistics of a list of lengths, with nearest-rank percentiles; zeros for an empty list. */
export function lengthsOf(values: readonly number[]): Lengths {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (q: number) =>
    sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
  const sum = sorted.reduce((total, value) => total + value, 0);
  const mean = sorted.length === 0 ? 0 : sum / sorted.length;
  return {
    min: rank(0),
    median: rank(0.5),
    p90: rank(0.9),
    p99: rank(0.99),
    max: rank(1),
    mean,
  };
}

/** Statistics of the completions of sequences. */
export function completionLengths(
  sequences: readonly TokenSequence[],
): Lengths {
  return lengthsOf(
    sequences.map(({ ids, completionStart }) => ids.length - completionStart),
  );
}
