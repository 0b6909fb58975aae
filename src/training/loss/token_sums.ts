/**
 * From the device's numbers per trained token to the columns that losses take: sums per sequence,
 * weights of tokens (LD-DPO, means per token) and of pairs (WPO). Plain arithmetic in float64.
 *
 * @module
 */
import type { PairLogps } from "./loss_terms.ts";

/** What the device reports of each trained token. Every array is `[targets]`. */
export interface TargetStatistics {
  /** Log-probability of the token, in nats. */
  readonly logps: ArrayLike<number>;
  /** Mean of the raw logits over the vocabulary. */
  readonly meanLogits: ArrayLike<number>;
  /** Entropy of the distribution that predicts it, in nats. */
  readonly entropies: ArrayLike<number>;
  /** 1 where the token has the largest logit, else 0. */
  readonly correct: ArrayLike<number>;
  /** Sum over the vocabulary of the squared probability. */
  readonly sumSquares: ArrayLike<number>;
  /** Its sequence: `2 * pair` is chosen, `2 * pair + 1` rejected. */
  readonly targetSequence: ArrayLike<number>;
}

/** Sums over each sequence and its trained tokens; both `[sequences]`. */
export interface SequenceSums {
  readonly sums: Float64Array;
  readonly lengths: Float64Array;
}

/**
 * Sums `logps` over each sequence in float64 and counts its tokens.
 *
 * @param weights of the tokens, `[targets]`; default 1 each
 */
export function sumBySequence(
  { logps, targetSequence }: Pick<TargetStatistics, "logps" | "targetSequence">,
  sequences: number,
  weights?: Float64Array,
): SequenceSums {
  const sums = new Float64Array(sequences);
  const lengths = new Float64Array(sequences);
  for (let i = 0; i < targetSequence.length; i++) {
    const sequence = targetSequence[i] ?? 0;
    const weight = weights ? weights[i] ?? NaN : 1;
    sums[sequence] = (sums[sequence] ?? 0) + weight * (logps[i] ?? NaN);
    lengths[sequence] = (lengths[sequence] ?? 0) + 1;
  }
  return { sums, lengths };
}

/** Trained tokens of each sequence, `[sequences]`. */
function countTargets(
  targetSequence: ArrayLike<number>,
  sequences: number,
): Float64Array {
  const lengths = new Float64Array(sequences);
  for (let i = 0; i < targetSequence.length; i++) {
    lengths[targetSequence[i]!]!++;
  }
  return lengths;
}

/**
 * Weights of the tokens of pairs by LD-DPO, `[targets]`: the tokens of an answer up to the length
 * of the shorter one of its pair count 1, those beyond `alpha`. Source:
 * https://arxiv.org/abs/2409.06411, Eq. 11.
 */
export function lengthDesensitisedWeights(
  targetSequence: ArrayLike<number>,
  sequences: number,
  alpha: number,
): Float64Array {
  const lengths = countTargets(targetSequence, sequences);
  const seen = new Float64Array(sequences);
  return Float64Array.from(targetSequence, (sequence) => {
    const shared = Math.min(lengths[sequence]!, lengths[sequence ^ 1]!);
    return seen[sequence]!++ < shared ? 1 : alpha;
  });
}

/** Weights that make each sequence's sum its mean per token, `[targets]`. */
export function meanWeights(
  targetSequence: ArrayLike<number>,
  sequences: number,
): Float64Array {
  const lengths = countTargets(targetSequence, sequences);
  return Float64Array.from(targetSequence, (one) => 1 / lengths[one]!);
}

/**
 * How likely each pair is under the policy, `[pairs]`: both answers' `exp(mean of (logp - ln sum_v
 * p(v)^2))`, multiplied. Source: WPO, https://arxiv.org/abs/2406.11827, Eq. 2 with the alignment of
 * its Sec. 3.
 */
export function policyWeights(
  { logps, sumSquares, targetSequence }: Pick<
    TargetStatistics,
    "logps" | "sumSquares" | "targetSequence"
  >,
  sequences: number,
): Float64Array {
  const aligned = Float64Array.from(
    { length: targetSequence.length },
    (_, i) => (logps[i] ?? NaN) - Math.log(sumSquares[i] ?? NaN),
  );
  const { sums, lengths } = sumBySequence(
    { logps: aligned, targetSequence },
    sequences,
  );
  const mean = (one: number) => sums[one]! / Math.max(1, lengths[one]!);
  return Float64Array.from(
    { length: sequences / 2 },
    (_, pair) => Math.exp(mean(2 * pair) + mean(2 * pair + 1)),
  );
}

/** The statistics of a batch without the trained tokens of prompts. */
export function answersOnly(
  statistics: TargetStatistics,
  { promptTargets = 0 }: { readonly promptTargets?: number },
): TargetStatistics {
  if (promptTargets === 0) return statistics;
  const end = statistics.targetSequence.length - promptTargets;
  const first = (column: ArrayLike<number>) =>
    Array.from({ length: end }, (_, i) => column[i]!);
  return {
    logps: first(statistics.logps),
    meanLogits: first(statistics.meanLogits),
    entropies: first(statistics.entropies),
    correct: first(statistics.correct),
    sumSquares: first(statistics.sumSquares),
    targetSequence: first(statistics.targetSequence),
  };
}

/**
 * Plain sums over all targets of chosen sequences, prompts included where they are targets; both
 * `[pairs]`.
 */
export function textSums(
  statistics: TargetStatistics,
  sequences: number,
): { readonly text: Float64Array; readonly textLengths: Float64Array } {
  const { sums, lengths } = sumBySequence(statistics, sequences);
  return { text: half(sums, 0), textLengths: half(lengths, 0) };
}

/**
 * One column of two, of which the even numbers are chosen (or answers) and the odd ones rejected
 * (or mismatched).
 */
export function half(column: ArrayLike<number>, offset: 0 | 1): Float64Array {
  return Float64Array.from(
    { length: column.length / 2 },
    (_, pair) => column[2 * pair + offset] ?? NaN,
  );
}

/**
 * The columns of pairs as `preferenceLoss()` takes them, chosen first of each pair.
 *
 * @param referenceSums `[2 * pairs]`; empty where there is no reference, which counts as 0
 * @param rest what differs from plain sums: the text that is learnt, weights of pairs
 */
export function pairLogps(
  { sums, lengths }: {
    readonly sums: ArrayLike<number>;
    readonly lengths: ArrayLike<number>;
  },
  referenceSums: ArrayLike<number>,
  rest: Partial<Pick<PairLogps, "text" | "textLengths" | "weights">> = {},
): PairLogps {
  const reference = referenceSums.length === 0
    ? new Float64Array(sums.length)
    : referenceSums;
  return {
    chosen: half(sums, 0),
    rejected: half(sums, 1),
    referenceChosen: half(reference, 0),
    referenceRejected: half(reference, 1),
    chosenLengths: half(lengths, 0),
    rejectedLengths: half(lengths, 1),
    text: half(sums, 0),
    textLengths: half(lengths, 0),
    weights: new Float64Array(sums.length / 2).fill(1),
    ...rest,
  };
}
