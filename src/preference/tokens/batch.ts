/**
 * Token sequences -> Batch: one list of tokens without padding, in which each token knows the two
 * ranges of rows it attends to. A pair lies as `shared prefix | chosen rest | rejected rest`; the
 * prefix is computed once.
 */
import {
  type TokenPair,
  type TokenSequence,
  trainedSpans,
} from "./token_pair.ts";

/** What the model is given. Rows are tokens; nothing is padded. */
export interface Batch {
  /** [tokens] */
  readonly tokens: Uint32Array<ArrayBuffer>;
  /** [tokens], from 0 in every sequence; both rests of a pair go on where the prefix ends */
  readonly positions: Uint32Array<ArrayBuffer>;
  /**
   * [tokens, 4]: prefix_start, prefix_end, own_start, own_end; ends exclusive, own_end is the row
   * itself + 1
   */
  readonly ranges: Uint32Array<ArrayBuffer>;
  /** [targets] the row whose hidden state predicts */
  readonly targetRows: Uint32Array<ArrayBuffer>;
  /** [targets] the token to be predicted */
  readonly targetTokens: Uint32Array<ArrayBuffer>;
  /**
   * [targets] 2 * pair for chosen, 2 * pair + 1 for rejected; the sequence's number where there are
   * no pairs
   */
  readonly targetSequence: Uint32Array<ArrayBuffer>;
  /** How many sequences: logps are [sequences]. */
  readonly sequences: number;
  /** The last so many targets are tokens of chosen prompts, which no answer counts; default 0. */
  readonly promptTargets?: number;
  /** [answers] 1 where an answer is wanted; of single answers only (token_feedback.ts). */
  readonly desirable?: Uint8Array;
  /**
   * [pairs] by how much the data scores the chosen answer higher, NaN where it does not say; of
   * pairs only.
   */
  readonly scoreGaps?: Float64Array;
  /**
   * [pairs] the margin of rewards that the data asks for, 0 where it does not say; of pairs only.
   */
  readonly margins?: Float64Array;
  /** Sum of the full lengths of all sequences, shared prefixes counted twice: TRL's num_tokens. */
  readonly attendedTokens: number;
}

/** Lists that grow to a Batch. */
class Builder {
  readonly tokens: number[] = [];
  readonly positions: number[] = [];
  readonly ranges: number[] = [];
  readonly targetRows: number[] = [];
  readonly targetTokens: number[] = [];
  readonly targetSequence: number[] = [];
  attendedTokens = 0;
  sequences = 0;

  /** Appends `ids[start..]`, which attend to `prefix` and to themselves; gives the first row. */
  append(
    ids: readonly number[],
    start: number,
    end: number,
    prefixRow: number,
  ): number {
    const own = this.tokens.length;
    for (let i = start; i < end; i++) {
      this.tokens.push(ids[i] as number);
      this.positions.push(i);
      this.ranges.push(prefixRow, prefixRow + start, own, own + i - start + 1);
    }
    return own;
  }

  /** Targets of the next sequence: token t is predicted by token t - 1, the first by none. */
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

  /** Tokens `start` to `end` of a sequence become targets. */
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

  /** The last token of the next sequence is its only target, whose own row speaks for it. */
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
    };
  }
}

/**
 * Lays out preference pairs, the shared prefix of each once.
 *
 * @param options `promptTargets`: the tokens of the chosen prompts are targets too, after those of
 *   all answers; `lastOnly`: each answer's last row is its only target, at which a reward model
 *   speaks
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
 * Lays out sequences by themselves, each with the targets of its completion.
 *
 * @param options `lastOnly`: each sequence's last row is its only target, at which a reward model
 *   speaks
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

/** Lays out bare id sequences; every token but the first of each is a target. */
export function sequenceBatch(
  sequences: readonly (readonly number[])[],
): Batch {
  return demonstrationBatch(
    sequences.map((ids) => ({ ids, completionStart: 0 })),
  );
}
