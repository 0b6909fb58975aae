/**
 * Two token sequences that begin with the same prompt. The unit that training counts and batches.
 */
import { commonPrefix } from "../../base/common_prefix.ts";
import type { PairOfNumbers } from "../formats/preference.ts";

/** A range of tokens: from `start` (inclusive) to `end` (exclusive). */
export type Span = readonly [start: number, end: number];

/** A sequence of token ids. Those from `completionStart` on are trained, or those of `spans`. */
export interface TokenSequence {
  /** All ids of the sequence, those of the prompt first. */
  readonly ids: readonly number[];
  /** Index of the first token that is trained. */
  readonly completionStart: number;
  /**
   * The ranges that are trained, such as all answers of a conversation; absent if all tokens from
   * `completionStart` on are trained.
   */
  readonly spans?: readonly Span[] | undefined;
}

/** The ranges of a sequence that are trained, in order. */
export function trainedSpans(
  { ids, completionStart, spans }: TokenSequence,
): readonly Span[] {
  return spans ?? [[completionStart, ids.length]];
}

/** A preference pair as tokens. */
export interface TokenPair {
  /** The prompt and the preferred answer. */
  readonly chosen: TokenSequence;
  /** The prompt and the other answer. */
  readonly rejected: TokenSequence;
  /**
   * Length of the longest common token prefix of both, at most either `completionStart`. A pass
   * computes these tokens once for both.
   */
  readonly sharedLength: number;
  /** The line of the data file, counted from 1. */
  readonly line: number;
  /** Scores that the data gives the answers; they never serve as log-probabilities. */
  readonly scores?: PairOfNumbers | undefined;
  /** The margin of rewards that the data asks for. Only reward models use it. */
  readonly margin?: number | undefined;
  /** Sums of the reference model's log-probabilities, if the data gives them, in nats. */
  readonly referenceLogps?: PairOfNumbers | undefined;
}

/** Makes a pair of two sequences and finds their shared prefix. */
export function tokenPair(
  chosen: TokenSequence,
  rejected: TokenSequence,
  line: number,
  numbers: Pick<TokenPair, "scores" | "margin" | "referenceLogps"> = {},
): TokenPair {
  const sharedLength = Math.min(
    commonPrefix(chosen.ids, rejected.ids),
    chosen.completionStart,
    rejected.completionStart,
  );
  const { scores, margin, referenceLogps } = numbers;
  return {
    chosen,
    rejected,
    sharedLength,
    line,
    ...(scores ? { scores } : {}),
    ...(margin === undefined ? {} : { margin }),
    ...(referenceLogps ? { referenceLogps } : {}),
  };
}
