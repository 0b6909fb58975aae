/**
 * Judged answers laid out for KTO. A row lies as a pair does: its prompt once, its answer, then another row's answer to
 * the same prompt, which tells how far the policy has moved. Source: https://arxiv.org/abs/2402.01306, Sec. 4.1.
 */
import { type Batch, preferenceBatch } from "./batch.ts";
import type { TokenFeedback } from "./token_feedback.ts";
import { type TokenPair, tokenPair, type TokenSequence } from "./token_pair.ts";

/** A judged answer with the answer of another row to its prompt. */
export interface MismatchedFeedback extends TokenFeedback {
  /** The same prompt with another row's answer; the bare prompt where none is wanted. */
  readonly mismatched: TokenSequence;
}

/** Both answers of each pair as rows of their own: all that are wanted, then all others, as TRL unpairs them. */
export function unpair(pairs: readonly TokenPair[]): TokenFeedback[] {
  const judged = (label: boolean) => (pair: TokenPair) => ({
    sequence: label ? pair.chosen : pair.rejected,
    label,
    line: pair.line,
  });
  return [...pairs.map(judged(true)), ...pairs.map(judged(false))];
}

/**
 * Gives each row the answer of the row before it in its group; the first takes the last one's.
 *
 * @param options `group`: rows of a group, TRL's micro-batch; 0: no row gets another's answer.
 *   `maxLength`: longest sequence in tokens
 */
export function mismatch(
  rows: readonly TokenFeedback[],
  { group, maxLength = Infinity }: {
    readonly group: number;
    readonly maxLength?: number;
  },
): MismatchedFeedback[] {
  return rows.map((row, i) => {
    const { ids, completionStart } = row.sequence;
    const first = group === 0 ? i : i - i % group;
    const last = Math.min(first + group, rows.length) - 1;
    const other = rows[i === first ? last : i - 1]?.sequence;
    const answer = group === 0 || !other
      ? []
      : other.ids.slice(other.completionStart);
    const whole = [...ids.slice(0, completionStart), ...answer];
    return {
      ...row,
      mismatched: { ids: whole.slice(0, maxLength), completionStart },
    };
  });
}

/** Lays out rows: sequence 2 * row is the answer, 2 * row + 1 the mismatched one. Attended tokens are the answers'. */
export function feedbackBatch(rows: readonly MismatchedFeedback[]): Batch {
  const pairs = rows.map(({ sequence, mismatched, line }) =>
    tokenPair(sequence, mismatched, line)
  );
  return {
    ...preferenceBatch(pairs),
    attendedTokens: rows.reduce((sum, row) => sum + row.sequence.ids.length, 0),
    desirable: Uint8Array.from(rows, ({ label }) => label ? 1 : 0),
  };
}
