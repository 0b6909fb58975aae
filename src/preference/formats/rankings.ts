/**
 * Several answers to one prompt, ranked: which pairs are made of them. Knows no columns.
 */

/** Names of the ways, as the option takes them. */
export const RANKINGS = ["best_worst", "best_each", "all"] as const;

/**
 * `best_worst`: one pair. `best_each`: the best with each other one. `all`: each with each that is
 * worse.
 */
export type Ranking = typeof RANKINGS[number];

/** An answer and how good it is: higher is better. */
export interface Ranked<T> {
  readonly answer: T;
  readonly score: number;
}

/** A pair of ranked answers. */
export interface RankedPair<T> {
  readonly chosen: Ranked<T>;
  readonly rejected: Ranked<T>;
}

/** Pairs of answers of which one is better; those that are equal make none. */
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
