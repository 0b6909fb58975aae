/**
 * A token sequence and whether its answer is wanted. The unit of unpaired preference training
 * (KTO).
 */
import type { TokenSequence } from "./token_pair.ts";

/** A judged answer as tokens. */
export interface TokenFeedback {
  /** The prompt and the answer. */
  readonly sequence: TokenSequence;
  /** Whether the answer is good. */
  readonly label: boolean;
  /** The line of the data file, counted from 1. */
  readonly line: number;
}
