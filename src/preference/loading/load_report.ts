/**
 * What became of a dataset's rows: counts, reasons with line numbers, lengths. Plain data.
 */
import type { TokenSequence } from "../tokens/token_pair.ts";

/** How often, and where first. */
export interface Tally {
  /** Times it happened. */
  readonly count: number;
  /** `path line N` of the first few. */
  readonly where: readonly string[];
}

/** Quantiles of a length, in tokens. */
export interface Lengths {
  /** The shortest. */
  readonly min: number;
  /** Half are no longer. */
  readonly median: number;
  /** Nine in ten are no longer. */
  readonly p90: number;
  /** All but one in a hundred are no longer. */
  readonly p99: number;
  /** The longest. */
  readonly max: number;
  /** Sum by number. */
  readonly mean: number;
}

/** The account of one loading. */
export interface LoadReport {
  /** The files read, with the rows each has and the rows taken of it. */
  readonly sources: readonly {
    readonly path: string;
    readonly rows: number;
    readonly taken: number;
  }[];
  /** Formats found, with their rows. */
  readonly formats: Readonly<Record<string, number>>;
  /** Rows drawn. */
  readonly rows: number;
  /** Examples that came of them. */
  readonly kept: number;
  /** Rows that were not needed, since `max_samples` were already kept. */
  readonly beyond: number;
  /** Rows left out, by reason. */
  readonly dropped: Readonly<Record<string, Tally>>;
  /** Rows whose prompt's tokens are not how prompt and answer together begin. */
  readonly moved: Tally;
  /** Rows that lost tokens to the length policy. */
  readonly cut: Tally;
  /**
   * Lengths of what is kept, by part: prompt, chosen, rejected, total; or prompt, completion,
   * total.
   */
  readonly lengths: Readonly<Record<string, Lengths>>;
  /** Good and bad answers among judged ones. */
  readonly labels?: { readonly good: number; readonly bad: number };
  /**
   * The bins that the examples were packed into, and the tokens that each may hold; absent where
   * they were not.
   */
  readonly packed?: { readonly bins: number; readonly maxLength: number };
  /** The file of tokens that this was read from; absent where the rows were tokenized now. */
  readonly cached?: string;
  /** Tokens of all sequences, and tokens computed when shared prefixes are computed once. */
  readonly tokens: { readonly full: number; readonly computed: number };
}

const SHOWN = 5;

/** A tally that is still counting. */
export interface OpenTally {
  count: number;
  where: string[];
}

/** Counts one more. */
export function tally(into: OpenTally, where: string): void {
  into.count++;
  if (into.where.length < SHOWN) into.where.push(where);
}

/** Nearest-rank quantiles of a list of lengths; zeros for an empty one. */
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

/** Lengths of the trained part of sequences. */
export function completionLengths(
  sequences: readonly TokenSequence[],
): Lengths {
  return lengthsOf(
    sequences.map(({ ids, completionStart }) => ids.length - completionStart),
  );
}
