/**
 * How many tokens an example has, of whatever kind it is.
 */
import type { TokenFeedback } from "./token_feedback.ts";
import type { TokenBin } from "./bins.ts";
import type { TokenPair, TokenSequence } from "./token_pair.ts";

function isPair(example: object): example is TokenPair {
  return "chosen" in example && "rejected" in example;
}

function isFeedback(example: object): example is TokenFeedback {
  return "sequence" in example;
}

function isSequence(example: object): example is TokenSequence {
  return "ids" in example;
}

function isBin(example: object): example is TokenBin {
  return "sequences" in example;
}

/**
 * Tokens of a pair's two halves, of a bin's rows, of a judged answer or of a sequence, prompts
 * included.
 *
 * @throws {TypeError} for anything else
 */
export function tokenCount(example: object): number {
  if (isPair(example)) {
    return example.chosen.ids.length + example.rejected.ids.length;
  }
  if (isFeedback(example)) return example.sequence.ids.length;
  if (isSequence(example)) return example.ids.length;
  if (isBin(example)) {
    return example.sequences.reduce((sum, { ids }) => sum + ids.length, 0);
  }
  throw new TypeError(
    `Cannot count tokens: found an object with keys "${
      Object.keys(example).join('", "')
    }", wanted a pair, a judged answer or a sequence`,
  );
}
