/**
 * Two token sequences that begin with the same prompt. The unit that training counts and batches.
 */

/** A sequence of token ids; those from `completionStart` on are trained. */
export interface TokenSequence {
  /** All tokens, prompt first. */
  readonly ids: readonly number[];
  /** Where training begins. */
  readonly completionStart: number;
}

/** A preference pair as tokens. */
export interface TokenPair {
  /** Prompt and preferred answer. */
  readonly chosen: TokenSequence;
  /** Prompt and the other answer. */
  readonly rejected: TokenSequence;
  /** Longest common token prefix of both, never past either `completionStart`: computed once for both. */
  readonly sharedLength: number;
  /** The line of the file it came from, from 1. */
  readonly line: number;
}

/** How many items two lists have in common from their start. */
export function commonPrefix<T>(a: ArrayLike<T>, b: ArrayLike<T>): number {
  const most = Math.min(a.length, b.length);
  let n = 0;
  while (n < most && a[n] === b[n]) n++;
  return n;
}

/** Pairs two sequences up: finds what they share. */
export function tokenPair(
  chosen: TokenSequence,
  rejected: TokenSequence,
  line: number,
): TokenPair {
  const sharedLength = Math.min(
    commonPrefix(chosen.ids, rejected.ids),
    chosen.completionStart,
    rejected.completionStart,
  );
  return { chosen, rejected, sharedLength, line };
}
