/** Makes pairs of several ranked answers to one prompt. Knows no columns. */

/** The values of the option `ranking`. */
export const RANKINGS = ["best_worst", "best_each", "all"] as const;

/**
 * Which pairs are made. `best_worst`: the best with the worst answer. `best_each`: the best with
 * each other answer. `all`: each answer with each worse one.
 */
export type Ranking = typeof RANKINGS[number];

/** An answer and its score; a higher score is better. */
export interface Ranked<T> {
  readonly answer: T;
  readonly score: number;
}

/** A pair of ranked answers. */
export interface RankedPair<T> {
  readonly chosen: Ranked<T>;
  readonly rejected: Ranked<T>;
}

/** The pairs of answers; two answers with equal scores make no pair. */
export function rankedPairs<T>(
  answers: readonly Ranked<T>[],
  ranking: Ranking,
): RankedPair<T>[] {
  const sorted = [...answers].sort((a, b) => b.score - a.score);
  const pairs = sorted.flatMap((chosen, i) =>
    sorted.slice(i + 1).filter(({ score }) => score < chosen.score)
      .map((rejected) => ({ chosen, rejected }))
  );
  if (ranking === "all") return pairs;
  const best = pairs.filter(({ chosen }) => chosen === sorted[0]);
  return ranking === "best_each" ? best : best.slice(-1);
}
