/**
 * Lays out judged answers for KTO. A row has the layout of a pair: its prompt once, its own answer,
 * then the answer of another row. The log-probability of that mismatched answer estimates the KL
 * divergence between policy and reference.
 * Source: https://arxiv.org/abs/2402.01306, Sec. 4.1.
 */
import { type Batch, preferenceBatch } from "./batch.ts";
import {
  type TokenFeedback,
  type TokenPair,
  tokenPair,
  type TokenSequence,
} from "./token_examples.ts";

/** A judged answer, and its prompt with the answer of another row. */
export interface MismatchedFeedback extends TokenFeedback {
  /**
   * The same prompt with another row's answer, or the prompt alone if no mismatched answers are
   * used.
   */
  readonly mismatched: TokenSequence;
}

/** Which prompts get which answers. */
export interface MismatchOptions {
  /**
   * Number of rows within which answers are exchanged, a micro-batch in TRL; 0: none are exchanged.
   */
  readonly group: number;
  /** Most tokens of a mismatched sequence; default no limit. */
  readonly maxLength?: number | undefined;
}

/**
 * Gives each row the answer of the row before it in its group; the first row gets that of the last.
 * Rows with the same prompt are skipped if the group has another prompt, since their answers do
 * match it; TRL always takes the row before.
 */
export function mismatchFeedback(
  rows: readonly TokenFeedback[],
  { group, maxLength = Infinity }: MismatchOptions,
): MismatchedFeedback[] {
  return rows.map((row, i) => {
    const other = group === 0 ? undefined : partner(rows, i, group);
    return { // read when asked for: rows may be kept packed
      get sequence() {
        return row.sequence;
      },
      get mismatched() {
        return exchange(row.sequence, other?.sequence, maxLength);
      },
      label: row.label,
      line: row.line,
    };
  });
}

function partner(
  rows: readonly TokenFeedback[],
  i: number,
  group: number,
): TokenFeedback | undefined {
  const first = i - i % group;
  const size = Math.min(group, rows.length - first);
  const before = Array.from(
    { length: size - 1 },
    (_, k) => rows[first + (i - first - 1 - k + size) % size],
  );
  const rowPrompt = promptOf(rows[i]!).join();
  const otherPrompt = before.find((one) =>
    one && promptOf(one).join() !== rowPrompt
  );
  return otherPrompt ?? before[0] ?? rows[i];
}

function promptOf({ sequence }: TokenFeedback): readonly number[] {
  return sequence.ids.slice(0, sequence.completionStart);
}

/** The prompt of one sequence followed by the answer of another. */
function exchange(
  { ids, completionStart }: TokenSequence,
  other: TokenSequence | undefined,
  maxLength: number,
): TokenSequence {
  const answer = other ? other.ids.slice(other.completionStart) : [];
  const exchanged = [...ids.slice(0, completionStart), ...answer];
  return { ids: exchanged.slice(0, maxLength), completionStart };
}

/**
 * Lays out rows: sequence 2 * row has the row's answer, 2 * row + 1 the mismatched one.
 * `attendedTokens` and `timesAttended` count only the first of both.
 */
export function feedbackBatch(rows: readonly MismatchedFeedback[]): Batch {
  const pairs = rows.map(({ sequence, mismatched, line }) =>
    tokenPair(sequence, mismatched, line)
  );
  return {
    ...preferenceBatch(pairs),
    attendedTokens: rows.reduce((sum, row) => sum + row.sequence.ids.length, 0),
    timesAttended: Uint8Array.from(pairs.flatMap(ownTokens)),
    desirable: Uint8Array.from(rows, ({ label }) => label ? 1 : 0),
  };
}

/** For each token of a row's layout whether it belongs to the row's own sequence. */
function ownTokens({ chosen, rejected, sharedLength }: TokenPair): number[] {
  return [
    ...new Array<number>(chosen.ids.length).fill(1),
    ...new Array<number>(rejected.ids.length - sharedLength).fill(0),
  ];
}
