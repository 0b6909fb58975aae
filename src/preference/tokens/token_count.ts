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
 * Number of tokens of an example, prompts included: of both sequences of a pair, of all rows of a
 * bin, of a judged answer or of a single sequence.
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
    }", expected a pair, a bin, a judged answer or a sequence`,
  );
}
