/**
 * Two token sequences that begin with the same prompt. The unit that training counts and batches.
 */
import { commonPrefix } from "../../base/common_prefix.ts";
import type { PairOfNumbers } from "../formats/preference.ts";

/** From a token (inclusive) to a token (exclusive). */
export type Span = readonly [start: number, end: number];

/** A sequence of token ids; those from `completionStart` on are trained. */
export interface TokenSequence {
  /** All tokens, prompt first. */
  readonly ids: readonly number[];
  /** Where training begins. */
  readonly completionStart: number;
  /**
   * What is trained, if that is less than all from `completionStart` on: the answers of a
   * conversation.
   */
  readonly spans?: readonly Span[] | undefined;
}

/** What of a sequence is trained, in order. */
export function trainedSpans(
  { ids, completionStart, spans }: TokenSequence,
): readonly Span[] {
  return spans ?? [[completionStart, ids.length]];
}

/** A preference pair as tokens. */
export interface TokenPair {
  /** Prompt and preferred answer. */
  readonly chosen: TokenSequence;
  /** Prompt and the other answer. */
  readonly rejected: TokenSequence;
  /**
   * Longest common token prefix of both, never past either `completionStart`: computed once for
   * both.
   */
  readonly sharedLength: number;
  /** The line of the file it came from, from 1. */
  readonly line: number;
  /** Scores that the data gives the answers; they never serve as log-probabilities. */
  readonly scores?: PairOfNumbers | undefined;
  /** The margin of rewards that the data asks for; for reward models. */
  readonly margin?: number | undefined;
  /** A reference's log-probabilities that the data gives, in nats. */
  readonly referenceLogps?: PairOfNumbers | undefined;
}

/** Pairs two sequences up: finds what they share. */
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
