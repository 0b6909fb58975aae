/**
 * Lays out token sequences as a Batch: one list of tokens without padding. THE CAUSAL MASK COMES
 * FROM HERE: `ranges` gives each token the two ranges of rows that it attends to (the shared
 * prompt, and its own answer up to itself). attention_ranges.ts narrows them to sliding windows,
 * and the attention kernels visit no other rows. A pair is laid out as
 * `shared prefix | rest of chosen | rest of rejected`, so that the prefix is computed once. Knows
 * no model.
 */
import {
  type TokenPair,
  type TokenSequence,
  trainedSpans,
} from "./token_examples.ts";

/** The input of a model's pass and the targets of the loss. Rows are tokens; nothing is padded. */
export interface Batch {
  /** [tokens] ids, all sequences one after the other */
  readonly tokens: Uint32Array<ArrayBuffer>;
  /**
   * [tokens] position in the sequence, from 0; both rests of a pair continue where the prefix ends
   */
  readonly positions: Uint32Array<ArrayBuffer>;
  /**
   * [tokens, 4]: prefix_start, prefix_end, own_start, own_end, the rows that the token attends to.
   * Ends are exclusive; own_end is the token's row + 1, which makes attention causal.
   */
  readonly ranges: Uint32Array<ArrayBuffer>;
  /** [targets] the row whose hidden state predicts the target */
  readonly targetRows: Uint32Array<ArrayBuffer>;
  /** [targets] the token to be predicted */
  readonly targetTokens: Uint32Array<ArrayBuffer>;
  /**
   * [targets] the sequence of the target: 2 * pair for chosen, 2 * pair + 1 for rejected; without
   * pairs the number of the sequence
   */
  readonly targetSequence: Uint32Array<ArrayBuffer>;
  /** Number of sequences: logps are [sequences]. */
  readonly sequences: number;
  /**
   * How many targets at the end of the list are tokens of chosen prompts. They count for no answer;
   * default 0.
   */
  readonly promptTargets?: number;
  /** [answers] 1 for a good answer, 0 for a bad one. Given for judged answers (KTO) only. */
  readonly desirable?: Uint8Array;
  /**
   * [pairs] the chosen answer's score minus the rejected one's, NaN where the data has no scores.
   * Given for pairs only.
   */
  readonly scoreGaps?: Float64Array;
  /**
   * [pairs] the margin of rewards that the data asks for, 0 where it has none. Given for pairs
   * only.
   */
  readonly margins?: Float64Array;
  /**
   * Sum of the lengths of all sequences, in which a shared prefix counts twice: TRL's `num_tokens`.
   */
  readonly attendedTokens: number;
  /** [tokens] how often each token counts in `attendedTokens`. */
  readonly timesAttended: Uint8Array<ArrayBuffer>;
}

/** Collects the lists of a Batch. */
class Builder {
  readonly tokens: number[] = [];
  readonly positions: number[] = [];
  readonly ranges: number[] = [];
  readonly targetRows: number[] = [];
  readonly targetTokens: number[] = [];
  readonly targetSequence: number[] = [];
  readonly timesAttended: number[] = [];
  attendedTokens = 0;
  sequences = 0;

  /**
   * Appends tokens `start` to `end` of a sequence. They attend to `start` rows from `prefixRow` on,
   * and to their own rows up to themselves. They are tokens of `sequences` sequences. Returns their
   * first row.
   */
  append(
    ids: readonly number[],
    start: number,
    end: number,
    prefixRow: number,
    sequences = 1,
  ): number {
    const firstRow = this.tokens.length;
    for (let i = start; i < end; i++) {
      this.tokens.push(ids[i] as number);
      this.positions.push(i);
      this.timesAttended.push(sequences);
      this.ranges.push(
        prefixRow,
        prefixRow + start,
        firstRow,
        firstRow + i - start + 1,
      );
    }
    return firstRow;
  }

  /**
   * Adds the targets of the next sequence: token t is predicted by token t - 1, the first token by
   * none.
   */
  target(
    one: TokenSequence,
    rowOf: (token: number) => number,
  ): void {
    const sequence = this.sequences++;
    for (const [start, end] of trainedSpans(one)) {
      this.targetRange(one.ids, Math.max(1, start), end, sequence, rowOf);
    }
    this.attendedTokens += one.ids.length;
  }

  /** Makes tokens `start` to `end` of a sequence targets. */
  targetRange(
    ids: readonly number[],
    start: number,
    end: number,
    sequence: number,
    rowOf: (token: number) => number,
  ): void {
    for (let t = start; t < end; t++) {
      this.targetRows.push(rowOf(t - 1));
      this.targetTokens.push(ids[t] as number);
      this.targetSequence.push(sequence);
    }
  }

  /**
   * Makes the last token of the next sequence its only target. Its row is the token's own, not the
   * one before, since a reward model reads its score there.
   */
  last({ ids }: TokenSequence, rowOf: (token: number) => number): void {
    this.targetRows.push(rowOf(ids.length - 1));
    this.targetTokens.push(ids.at(-1)!);
    this.targetSequence.push(this.sequences++);
    this.attendedTokens += ids.length;
  }

  batch(): Batch {
    return {
      tokens: Uint32Array.from(this.tokens),
      positions: Uint32Array.from(this.positions),
      ranges: Uint32Array.from(this.ranges),
      targetRows: Uint32Array.from(this.targetRows),
      targetTokens: Uint32Array.from(this.targetTokens),
      targetSequence: Uint32Array.from(this.targetSequence),
      sequences: this.sequences,
      attendedTokens: this.attendedTokens,
      timesAttended: Uint8Array.from(this.timesAttended),
    };
  }
}

/**
 * Lays out preference pairs; the shared prefix of a pair stands there once.
 *
 * @param options `promptTargets`: the tokens of the chosen prompts become targets too, after those
 *   of all answers; `lastOnly`: the last row of each answer is its only target, where a reward
 *   model reads its score
 */
export function preferenceBatch(
  pairs: readonly TokenPair[],
  options: {
    readonly promptTargets?: boolean;
    readonly lastOnly?: boolean;
  } = {},
): Batch {
  const builder = new Builder();
  const prompts: (() => void)[] = [];
  for (const { chosen, rejected, sharedLength } of pairs) {
    const prefix = builder.append(
      chosen.ids,
      0,
      sharedLength,
      builder.tokens.length,
      2,
    );
    for (const half of [chosen, rejected]) {
      const sequence = builder.sequences;
      const rest = builder.append(
        half.ids,
        sharedLength,
        half.ids.length,
        prefix,
      );
      const rowOf = (t: number) =>
        t < sharedLength ? prefix + t : rest + t - sharedLength;
      if (options.lastOnly) builder.last(half, rowOf);
      else builder.target(half, rowOf);
      if (half !== chosen) continue;
      prompts.push(() => {
        const { ids, completionStart } = half;
        builder.targetRange(ids, 1, completionStart, sequence, rowOf);
      });
    }
  }
  const numbers = {
    scoreGaps: Float64Array.from(
      pairs,
      ({ scores }) => scores ? scores.chosen - scores.rejected : NaN,
    ),
    margins: Float64Array.from(pairs, ({ margin }) => margin ?? 0),
  };
  if (!options.promptTargets) return { ...builder.batch(), ...numbers };
  const answers = builder.targetRows.length;
  for (const add of prompts) add();
  const promptTargets = builder.targetRows.length - answers;
  return { ...builder.batch(), ...numbers, promptTargets };
}

/**
 * Lays out single sequences, each with the tokens of its completion as targets.
 *
 * @param options `lastOnly`: the last row of each sequence is its only target, where a reward model
 *   reads its score
 */
export function demonstrationBatch(
  sequences: readonly TokenSequence[],
  options: { readonly lastOnly?: boolean } = {},
): Batch {
  const builder = new Builder();
  for (const sequence of sequences) {
    const row = builder.append(
      sequence.ids,
      0,
      sequence.ids.length,
      builder.tokens.length,
    );
    if (options.lastOnly) builder.last(sequence, (t) => row + t);
    else builder.target(sequence, (t) => row + t);
  }
  return builder.batch();
}

/** Lays out sequences of ids; every token but the first of each is a target. */
export function sequenceBatch(
  sequences: readonly (readonly number[])[],
): Batch {
  return demonstrationBatch(
    sequences.map((ids) => ({ ids, completionStart: 0 })),
  );
}
