/**
 * Statistics of each trained token that a pass over the vocabulary finds besides its
 * log-probability. Pure reading of numbers.
 */

/** Columns of the statistics tensor `[targets, STATISTICS]`, in this order. */
export const STATISTICS = 5;

/** Statistics by column, `[targets]` each; all of the model's logits, that is scaled and capped. */
export interface TokenStatistics {
  /** Log of the sum of the exponentials of the logits, in nats. */
  readonly lse: Float32Array;
  /** Mean of the logits over the vocabulary. */
  readonly meanLogits: Float32Array;
  /** Entropy of the prediction, in nats. */
  readonly entropies: Float32Array;
  /** 1 where the likeliest token is the target, else 0; of equal logits the lowest token wins. */
  readonly correct: Float32Array;
  /** Sum over the vocabulary of the squared probability. */
  readonly sumSquares: Float32Array;
}

/**
 * Splits what `tokenLogps()` left in its statistics, once it is read back, into columns.
 *
 * @param values `[targets, STATISTICS]`, row-major
 * @throws {RangeError} if the length is no multiple of `STATISTICS`
 */
export function tokenStatistics(values: Float32Array): TokenStatistics {
  if (values.length % STATISTICS !== 0) {
    throw new RangeError(
      `Cannot split token statistics: ${values.length} numbers, expected a multiple of ${STATISTICS}`,
    );
  }
  const targets = values.length / STATISTICS;
  const column = (index: number) =>
    Float32Array.from(
      { length: targets },
      (_, t) => values[t * STATISTICS + index]!,
    );
  return {
    lse: column(0),
    meanLogits: column(1),
    entropies: column(2),
    correct: column(3),
    sumSquares: column(4),
  };
}
