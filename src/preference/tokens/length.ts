/**
 * Cuts or drops sequences that are too long. Both answers of a pair keep the same prompt, except
 * under TRL's `keep_end`, which cuts each answer by itself and exists for parity with TRL.
 */
import {
  type Span,
  type TokenFeedback,
  type TokenPair,
  tokenPair,
  type TokenSequence,
  trainedSpans,
} from "./token_examples.ts";

/** The values of the option `length_policy`. */
export const LENGTH_POLICIES = [
  "drop",
  "prompt_start",
  "completion_end",
  "keep_start",
  "keep_end",
] as const;

/**
 * What happens to examples that are too long. `drop`: they are left out. `prompt_start`: the prompt
 * loses its first tokens. `completion_end`: the answers lose their last tokens. `keep_start`,
 * `keep_end`: TRL's truncation modes.
 */
export type LengthPolicy = typeof LENGTH_POLICIES[number];

/** Limits in tokens; an absent limit means none. */
export interface LengthLimits {
  /** What happens to examples that are too long. Default `drop`. */
  readonly policy?: LengthPolicy;
  /** Most tokens of a sequence, prompt and answer together; at least 2. */
  readonly maxLength?: number | undefined;
  /** Most tokens of a prompt; at least 1. */
  readonly maxPromptLength?: number | undefined;
}

/** The example within the limits, or the reason why it is left out. */
export type Fitted<T> = { readonly kept: T } | { readonly dropped: string };

/** The tokens from `first` to `end` of a sequence; those of them that are trained stay marked. */
export function partOf(
  sequence: TokenSequence,
  first: number,
  end: number,
): TokenSequence {
  const ids = sequence.ids.slice(first, end);
  const place = (at: number) => Math.min(Math.max(0, at - first), ids.length);
  const spans = sequence.spans?.map(([from, to]): Span => [
    place(from),
    place(to),
  ]).filter(([from, to]) => from < to);
  return {
    ids,
    completionStart: place(sequence.completionStart),
    spans,
  };
}

function from(sequence: TokenSequence, first: number): TokenSequence {
  return partOf(sequence, first, sequence.ids.length);
}

function until(sequence: TokenSequence, end: number): TokenSequence {
  return partOf(sequence, 0, end);
}

function longest(sequences: readonly TokenSequence[]): number {
  return Math.max(...sequences.map(({ ids }) => ids.length));
}

function promptLength(sequences: readonly TokenSequence[]): number {
  return Math.max(...sequences.map(({ completionStart }) => completionStart));
}

/** Removes the first `excess` tokens of all sequences, but never the last token of a prompt. */
function cutPrompts(
  sequences: readonly TokenSequence[],
  excess: number,
): Fitted<readonly TokenSequence[]> {
  if (excess <= 0) return { kept: sequences };
  const room =
    Math.min(...sequences.map(({ completionStart }) => completionStart)) - 1;
  if (excess > room) return { dropped: "answer longer than max_length" };
  return { kept: sequences.map((sequence) => from(sequence, excess)) };
}

function limitPrompts(
  sequences: readonly TokenSequence[],
  limits: LengthLimits,
): Fitted<readonly TokenSequence[]> {
  const { policy = "drop", maxPromptLength = Infinity } = limits;
  const excess = promptLength(sequences) - maxPromptLength;
  if (excess <= 0) return { kept: sequences };
  if (policy === "drop" || policy === "completion_end") {
    return { dropped: "prompt longer than max_prompt_length" };
  }
  return cutPrompts(sequences, excess);
}

function limitTotals(
  sequences: readonly TokenSequence[],
  limits: LengthLimits,
): Fitted<readonly TokenSequence[]> {
  const { policy = "drop", maxLength = Infinity } = limits;
  const excess = longest(sequences) - maxLength;
  const noRoom = promptLength(sequences) >= maxLength;
  if (policy === "keep_start" && noRoom) {
    return { dropped: "prompt fills max_length" };
  }
  if (excess <= 0) return { kept: sequences };
  switch (policy) {
    case "drop":
      return { dropped: "longer than max_length" };
    case "prompt_start":
      return cutPrompts(sequences, excess);
    case "completion_end":
      if (noRoom) return { dropped: "prompt fills max_length" };
      return { kept: sequences.map((sequence) => until(sequence, maxLength)) };
    case "keep_start":
      return { kept: sequences.map((sequence) => until(sequence, maxLength)) };
    case "keep_end":
      return {
        kept: sequences.map((one) =>
          from(one, Math.max(0, one.ids.length - maxLength))
        ),
      };
  }
}

/**
 * Checks limits.
 *
 * @throws {RangeError} for limits that leave no room for a prompt and an answer
 */
export function checkLimits(
  { maxLength = 2, maxPromptLength = 1 }: LengthLimits,
): void {
  const wrong = [["max_length", maxLength, 2], [
    "max_prompt_length",
    maxPromptLength,
    1,
  ]] as const;
  const faults = wrong.filter(([, found, least]) =>
    !Number.isInteger(found) || found < least
  )
    .map(([name, found, least]) =>
      `${name} is ${found}, expected an integer of ${least} or more`
    );
  if (faults.length > 0) {
    throw new RangeError(`Cannot limit lengths: ${faults.join("; ")}`);
  }
}

function fit(
  sequences: readonly TokenSequence[],
  limits: LengthLimits,
): Fitted<readonly TokenSequence[]> {
  const prompts = limitPrompts(sequences, limits);
  return "kept" in prompts ? limitTotals(prompts.kept, limits) : prompts;
}

/** Cuts a pair to the limits, or says why it is left out. The shared prefix is found again. */
export function fitPair(
  pair: TokenPair,
  limits: LengthLimits,
): Fitted<TokenPair> {
  const fitted = fit([pair.chosen, pair.rejected], limits);
  if ("dropped" in fitted) return fitted;
  const [chosen, rejected] = fitted.kept;
  if (chosen === undefined || rejected === undefined) {
    throw new Error("a pair has two sequences");
  }
  return { kept: tokenPair(chosen, rejected, pair.line, pair) };
}

/** Cuts a judged answer to the limits. */
export function fitFeedback(
  feedback: TokenFeedback,
  limits: LengthLimits,
): Fitted<TokenFeedback> {
  const fitted = fitSequence(feedback.sequence, limits);
  return "dropped" in fitted
    ? fitted
    : { kept: { ...feedback, sequence: fitted.kept } };
}

/** Cuts one sequence to the limits. It is left out if no token to train remains. */
export function fitSequence<T extends TokenSequence>(
  sequence: T,
  limits: LengthLimits,
): Fitted<T> {
  const fitted = fit([sequence], limits);
  if ("dropped" in fitted) return fitted;
  const kept = { ...sequence, ...fitted.kept[0] };
  const trained = trainedSpans(kept).reduce(
    (sum, [start, end]) => sum + end - Math.max(1, start),
    0,
  );
  return trained > 0 ? { kept } : { dropped: "no token to train" };
}
