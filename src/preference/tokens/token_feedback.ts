/**
 * A token sequence and whether its answer is wanted. The unit of unpaired preference training
 * (KTO).
 */
import type { TokenSequence } from "./token_pair.ts";

/** A judged answer as tokens. */
export interface TokenFeedback {
  /** Prompt and answer. */
  readonly sequence: TokenSequence;
  /** Whether the answer is wanted. */
  readonly label: boolean;
  /** The line of the file it came from, from 1. */
  readonly line: number;
}
