/**
 * The table of the kinds of examples that methods train on (pairs, judged answers, demonstrations):
 * how the rows of each kind are read, checked, tokenized, cut, packed and measured.
 */
import {
  answersEqual,
  demonstrationFault,
  feedbackFault,
  preferenceFault,
  teachesNothing,
} from "../formats/check.ts";
import type { RowKind } from "./checked_rows.ts";
import { DEMONSTRATION_FORMATS } from "../formats/demonstration_formats.ts";
import { FEEDBACK_FORMATS } from "../formats/feedback_formats.ts";
import {
  fitFeedback,
  fitPair,
  fitSequence,
  type Fitted,
  type LengthLimits,
} from "../tokens/length.ts";
import {
  completionLengths,
  lengthsOf,
  type LoadReport,
} from "./load_report.ts";
import {
  DEMONSTRATION_PACKING,
  FEEDBACK_PACKING,
  type Packing,
  PAIR_PACKING,
} from "../tokens/packed_examples.ts";
import type {
  AskedRow,
  Demonstration,
  Feedback,
  Preference,
} from "../formats/preference.ts";
import { PREFERENCE_FORMATS } from "../formats/preference_formats.ts";
import { tieOf } from "../tokens/ties.ts";
import type {
  TokenDemonstration,
  TokenFeedback,
  TokenPair,
  TokenSequence,
} from "../tokens/token_examples.ts";
import {
  type Encoder,
  type Tokenized,
  tokenizeDemonstration,
  tokenizeFeedback,
  tokenizePreference,
  type TrainedPart,
} from "../tokens/tokenize.ts";

/** Which sound rows are left out. */
export interface Filters {
  /**
   * The least difference of a pair's scores in the data; pairs with a smaller one are left out.
   * Default: none are.
   */
  readonly minScoreMargin?: number | undefined;
}

/** One kind of example: rows `R` become tokenized examples `T`. */
export interface ExampleKind<R extends AskedRow, T> extends RowKind<R> {
  /** Its name in cache keys, with all settings that change its tokens. */
  readonly name: string;
  /** Why a sound row is left out; undefined if it is not. */
  readonly useless: (row: R, filters: Filters) => string | undefined;
  readonly tokenize: (row: R, encoder: Encoder) => Tokenized<T>;
  readonly fit: (tokens: T, limits: LengthLimits) => Fitted<T>;
  /** Why an example teaches nothing once it is cut; undefined if it teaches something. */
  readonly tie?: (tokens: T, encoder: Encoder) => string | undefined;
  /** Number of tokens of all sequences of an example. */
  readonly size: (tokens: T) => number;
  readonly packing: Packing<T>;
  readonly measure: (
    examples: readonly T[],
  ) => Pick<LoadReport, "lengths" | "tokens" | "labels">;
}

function isClose({ scores }: Preference, margin: number): boolean {
  return scores !== undefined && scores.chosen - scores.rejected < margin;
}

/** Measures all lengths in one loop, since packed examples are unpacked at each access. */
function measurePairs(
  pairs: readonly TokenPair[],
): Pick<LoadReport, "lengths" | "tokens"> {
  const lengths: Record<"prompt" | "chosen" | "rejected" | "total", number[]> =
    { prompt: [], chosen: [], rejected: [], total: [] };
  let shared = 0;
  let full = 0;
  for (const { chosen, rejected, sharedLength } of pairs) {
    lengths.prompt.push(chosen.completionStart);
    lengths.chosen.push(chosen.ids.length - chosen.completionStart);
    lengths.rejected.push(rejected.ids.length - rejected.completionStart);
    lengths.total.push(chosen.ids.length, rejected.ids.length);
    shared += sharedLength;
    full += chosen.ids.length + rejected.ids.length;
  }
  const entries = Object.entries(lengths).map(([name, values]) =>
    [name, lengthsOf(values)] as const
  );
  return {
    lengths: Object.fromEntries(entries),
    tokens: { full, computed: full - shared },
  };
}

function measureSequences(
  sequences: readonly TokenSequence[],
): Pick<LoadReport, "lengths" | "tokens"> {
  const full = sequences.reduce((sum, { ids }) => sum + ids.length, 0);
  return {
    lengths: {
      prompt: lengthsOf(
        sequences.map(({ completionStart }) => completionStart),
      ),
      completion: completionLengths(sequences),
      total: lengthsOf(sequences.map(({ ids }) => ids.length)),
    },
    tokens: { full, computed: full },
  };
}

/** Pairs of a chosen and a rejected answer. */
export const PREFERENCES: ExampleKind<Preference, TokenPair> = {
  name: "pairs",
  formats: PREFERENCE_FORMATS,
  fault: preferenceFault,
  useless: (row, { minScoreMargin }) =>
    answersEqual(row)
      ? "chosen equals rejected"
      : minScoreMargin !== undefined && isClose(row, minScoreMargin)
      ? "scores closer than min_score_margin"
      : undefined,
  tokenize: tokenizePreference,
  fit: fitPair,
  tie: (pair, { tokenizer }) => tieOf(pair, tokenizer),
  size: ({ chosen, rejected }) => chosen.ids.length + rejected.ids.length,
  packing: PAIR_PACKING,
  measure: measurePairs,
};

/** Single answers that were judged good or bad. */
export const FEEDBACK: ExampleKind<Feedback, TokenFeedback> = {
  name: "feedback",
  formats: FEEDBACK_FORMATS,
  fault: feedbackFault,
  useless: () => undefined,
  tokenize: tokenizeFeedback,
  fit: fitFeedback,
  size: ({ sequence }) => sequence.ids.length,
  packing: FEEDBACK_PACKING,
  measure: (examples) => {
    const good = examples.filter(({ label }) => label).length;
    const { lengths, tokens } = measureSequences(
      examples.map(({ sequence }) => sequence),
    );
    return { lengths, tokens, labels: { good, bad: examples.length - good } };
  },
};

/** Answers to learn, for supervised fine-tuning. */
export function demonstrations(
  { completionOnly = true, assistantOnly = false }: TrainedPart,
): ExampleKind<Demonstration, TokenDemonstration> {
  return {
    name: `demonstrations ${completionOnly} ${assistantOnly}`,
    formats: DEMONSTRATION_FORMATS,
    fault: demonstrationFault,
    useless: (row) =>
      (completionOnly || assistantOnly) &&
        teachesNothing(row, { last: !assistantOnly })
        ? "its answer has weight 0"
        : undefined,
    tokenize: (row, encoder) =>
      tokenizeDemonstration(row, encoder, { completionOnly, assistantOnly }),
    fit: fitSequence,
    size: ({ ids }) => ids.length,
    packing: DEMONSTRATION_PACKING,
    measure: measureSequences,
  };
}
