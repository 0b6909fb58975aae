/**
 * What scores in the data do to the losses of pairs, where an option asks for it by name: a margin
 * that the rewards must keep, and a weight of each pair. They never stand for log-probabilities.
 *
 * Sources: margin https://arxiv.org/abs/2402.10571, Eq. 8 with f(x) = x, and
 * https://arxiv.org/abs/2307.09288, Eq. 2.
 */
import type { Batch } from "../../preference/tokens/batch.ts";
import type { TokenPair } from "../../preference/tokens/token_examples.ts";
import type { ScoreOptions } from "./loss_options.ts";
import type { PairLogps } from "./loss_terms.ts";

/**
 * The margin that each pair must keep, in nats, `[pairs]`.
 *
 * @param given margins that the data itself asks for, `[pairs]`; undefined: there are none
 */
export function scoreMargins(
  { scoreGaps }: Batch,
  { score_margin }: Pick<ScoreOptions, "score_margin">,
  given?: Float64Array,
): Float64Array | undefined {
  if (score_margin === 0) return given;
  return scoreGaps?.map((gap, i) => score_margin * gap + (given?.[i] ?? 0));
}

/** The weight of each pair, `[pairs]`. */
export function scoreWeights(
  { scoreGaps }: Batch,
  { score_weighting }: Pick<ScoreOptions, "score_weighting">,
): Float64Array | undefined {
  if (score_weighting === null) return undefined;
  return scoreGaps?.map((gap) => score_weighting * gap);
}

/**
 * Takes `margins` off `beta` times the difference of the log-ratios, as losses of that difference
 * see it: half from either, so that their sum stays.
 */
export function withMargins(
  logps: PairLogps,
  margins: Float64Array | undefined,
  beta: number,
): PairLogps {
  if (margins === undefined) return logps;
  const half = margins.map((margin) => margin / beta / 2);
  return {
    ...logps,
    referenceChosen: logps.referenceChosen.map((x, i) => x + half[i]!),
    referenceRejected: logps.referenceRejected.map((x, i) => x - half[i]!),
  };
}

type Scored = Pick<TokenPair, "line" | "scores">;

/**
 * Fails if an option needs scores and a pair has none, or if a pair would have a negative weight.
 *
 * @throws {TypeError} or {RangeError} telling the first such row and their number
 */
export function checkScores(
  pairs: readonly Scored[],
  { score_margin, score_weighting }: ScoreOptions,
): void {
  const option = score_margin === 0 ? "score_weighting" : "score_margin";
  if (score_margin === 0 && score_weighting === null) return;
  const bare = pairs.filter(({ scores }) => scores === undefined);
  if (bare.length > 0) {
    throw new TypeError(
      `Cannot use "${option}": ${bare.length} of ${pairs.length} pairs have no scores, first that of line ${
        bare[0]!.line
      }, expected columns such as "chosen_score" and "rejected_score"`,
    );
  }
  const turned = pairs.filter(({ scores }) =>
    scores!.chosen < scores!.rejected
  );
  if (score_weighting === null || turned.length === 0) return;
  throw new RangeError(
    `Cannot use "score_weighting": in ${turned.length} of ${pairs.length} pairs the chosen answer scores less than the rejected one, first in that of line ${
      turned[0]!.line
    }; leave them out with min_score_margin 0`,
  );
}
