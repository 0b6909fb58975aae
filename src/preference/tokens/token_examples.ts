/**
 * Examples as tokens, the units that training counts and batches: a pair of answers, a judged
 * answer (KTO), a demonstration (supervised fine-tuning), or a bin of packed rows. Plain types;
 * tokenize.ts makes them.
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
    scores,
    margin,
    referenceLogps,
  };
}

/** A judged answer as tokens. */
export interface TokenFeedback {
  /** The prompt and the answer. */
  readonly sequence: TokenSequence;
  /** Whether the answer is good. */
  readonly label: boolean;
  /** The line of the data file, counted from 1. */
  readonly line: number;
}

/** A demonstration as tokens. */
export interface TokenDemonstration extends TokenSequence {
  /** The line of the data file, counted from 1. */
  readonly line: number;
}

/** Rows that are trained on as one example. */
export interface TokenBin {
  /** The rows of the bin, or the parts of rows that lie in it. Each attends only to itself. */
  readonly sequences: readonly TokenSequence[];
  /** The data file's line of its first row, from 1. */
  readonly line: number;
  /** The data file's lines of all its rows, from 1. */
  readonly lines: readonly number[];
}

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
