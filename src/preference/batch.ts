/**
 * Token sequences -> Batch: one list of tokens without padding, in which each token knows the two ranges of
 * rows it attends to. A pair lies as `shared prefix | chosen rest | rejected rest`; the prefix is computed once.
 */
import type { TokenPair, TokenSequence } from "./token_pair.ts";

/** What the model is given. Rows are tokens; nothing is padded. */
export interface Batch {
  /** [tokens] */
  readonly tokens: Uint32Array<ArrayBuffer>;
  /** [tokens], from 0 in every sequence; both rests of a pair go on where the prefix ends */
  readonly positions: Uint32Array<ArrayBuffer>;
  /** [tokens, 4]: prefix_start, prefix_end, own_start, own_end; ends exclusive, own_end is the row itself + 1 */
  readonly ranges: Uint32Array<ArrayBuffer>;
  /** [targets] the row whose hidden state predicts */
  readonly targetRows: Uint32Array<ArrayBuffer>;
  /** [targets] the token to be predicted */
  readonly targetTokens: Uint32Array<ArrayBuffer>;
  /** [targets] 2 * pair for chosen, 2 * pair + 1 for rejected; the sequence's number where there are no pairs */
  readonly targetSequence: Uint32Array<ArrayBuffer>;
  /** How many sequences: logps are [sequences]. */
  readonly sequences: number;
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
    { ids, completionStart }: TokenSequence,
    rowOf: (token: number) => number,
  ): void {
    const sequence = this.sequences++;
    for (let t = Math.max(1, completionStart); t < ids.length; t++) {
      this.targetRows.push(rowOf(t - 1));
      this.targetTokens.push(ids[t] as number);
      this.targetSequence.push(sequence);
    }
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

/** Lays out preference pairs, the shared prefix of each once. */
export function preferenceBatch(pairs: readonly TokenPair[]): Batch {
  const builder = new Builder();
  for (const { chosen, rejected, sharedLength } of pairs) {
    const prefix = builder.append(
      chosen.ids,
      0,
      sharedLength,
      builder.tokens.length,
    );
    for (const half of [chosen, rejected]) {
      const rest = builder.append(
        half.ids,
        sharedLength,
        half.ids.length,
        prefix,
      );
      builder.target(
        half,
        (t) => t < sharedLength ? prefix + t : rest + t - sharedLength,
      );
    }
  }
  return builder.batch();
}

/** Lays out sequences by themselves, each with the targets of its completion. */
export function demonstrationBatch(sequences: readonly TokenSequence[]): Batch {
  const builder = new Builder();
  for (const sequence of sequences) {
    const row = builder.append(
      sequence.ids,
      0,
      sequence.ids.length,
      builder.tokens.length,
    );
    builder.target(sequence, (t) => row + t);
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
