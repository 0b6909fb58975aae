/**
 * What a method of pairs minimises: the mean of the pairs' losses, with a reference or without, of
 * answers' log- probabilities or of their rewards. Knows no method and no loss by name.
 */
import { type Batch, preferenceBatch } from "../../preference/tokens/batch.ts";
import type { TokenPair } from "../../preference/tokens/token_examples.ts";
import type { PairLogps } from "../loss/loss_terms.ts";
import { lossRows } from "../loss/losses.ts";
import { preferenceLoss } from "../loss/preference_loss.ts";
import {
  scoreMargins,
  scoreWeights,
  withMargins,
} from "../loss/score_terms.ts";
import { pairTokenSlopes } from "../loss/token_slopes.ts";
import {
  answersOnly,
  lengthDesensitisedWeights,
  meanWeights,
  pairLogps,
  policyWeights,
  sumBySequence,
  type TargetStatistics,
  textSums,
} from "../loss/token_sums.ts";
import type {
  GivenOptions,
  LossTerms,
  MethodFacts,
  MethodOf,
} from "./method.ts";
import { batchLoss, type Metrics } from "./metrics.ts";
import type { Objective } from "./objective.ts";
import { objectiveDefaults } from "./objective_options.ts";

/** What the table says of a method of pairs. */
export interface PairFacts extends MethodFacts {
  /** Whether the chosen prompt is learnt as text, beside the answers. */
  readonly promptTargets?: true;
  /** What the method adds to the losses that were named; default: nothing. */
  readonly addedTerms?: (terms: LossTerms) => LossTerms;
  /** What a micro-batch tells, under TRL's names. */
  readonly metrics: (
    logps: PairLogps,
    tokens: TargetStatistics,
    terms: LossTerms,
  ) => Metrics;
}

/** A row of the table for a method of pairs. */
export function ofPairs(facts: PairFacts): MethodOf<"pairs"> {
  return {
    ...facts,
    data: "pairs",
    objective: (options) => pairObjective(facts, options),
  };
}

/** How the log-probabilities of an answer's tokens become one number. */
interface TokenWeighting {
  /**
   * LD-DPO: weight of the tokens beyond the length of the pair's shorter answer; null: all count 1.
   */
  readonly ld_alpha: number | null;
  /** Whether the number is a mean per token, not a sum. */
  readonly means: boolean;
}

/**
 * The log-probability of each answer of a batch, `[sequences]`, with the weight of each token in
 * it, `[targets]`.
 */
function answerSums(
  batch: Batch,
  tokens: TargetStatistics,
  { ld_alpha, means }: TokenWeighting,
): { sums: Float64Array; lengths: Float64Array; weights: Float64Array } {
  const { targetSequence } = tokens;
  const weights = means
    ? meanWeights(targetSequence, batch.sequences)
    : lengthDesensitisedWeights(targetSequence, batch.sequences, ld_alpha ?? 1);
  const { sums, lengths } = sumBySequence(tokens, batch.sequences, weights);
  return { sums, lengths: means ? lengths.fill(1) : lengths, weights };
}

/** Several factors of each pair as one, `[pairs]`. */
function productOf(
  factors: readonly (Float64Array | undefined)[],
  pairs: number,
): Float64Array {
  return new Float64Array(pairs).fill(1).map((one, i) =>
    factors.reduce((product, factor) => product * (factor?.[i] ?? 1), one)
  );
}

function pairObjective(
  facts: PairFacts,
  given: GivenOptions,
): Objective<TokenPair> {
  const { hasReference, promptTargets = false, addedTerms } = facts;
  const options = { ...objectiveDefaults, ...given };
  const named = { ...options, loss_type: options.loss_type ?? facts.loss_type };
  const terms = addedTerms?.(named) ?? named;
  const rewards = facts.head === "score";
  const weighting = {
    ld_alpha: options.ld_alpha,
    means: !hasReference &&
      terms.loss_type.some((name) => lossRows[name].averages),
  };
  return {
    batch: (pairs) =>
      preferenceBatch(pairs, { promptTargets, lastOnly: rewards }),
    sequences: ({ chosen, rejected }) => [chosen, rejected],
    needsReference: hasReference,
    signed: terms.loss_type.some((name) => lossRows[name].signed),
    couples: terms.loss_type.some((name) => lossRows[name].couples),
    columnKey: options.ld_alpha === null ? "" : `ld_alpha ${options.ld_alpha}`,
    column: (batch, statistics) =>
      answerSums(batch, answersOnly(statistics, batch), weighting).sums,
    score(batch, statistics, reference, share) {
      const pairs = batch.sequences / 2;
      const tokens = answersOnly(statistics, batch);
      const { weights, ...sums } = answerSums(batch, tokens, weighting);
      const pairWeights = productOf([
        options.use_weighting
          ? policyWeights(tokens, batch.sequences)
          : undefined,
        scoreWeights(batch, options),
      ], pairs);
      const logps = pairLogps(sums, reference, {
        ...textSums(statistics, batch.sequences),
        weights: pairWeights,
      });
      const margins = scoreMargins(
        batch,
        options,
        rewards ? batch.margins : undefined,
      );
      const loss = preferenceLoss(
        withMargins(logps, margins, rewards ? 1 : options.beta),
        terms,
      );
      return {
        loss: batchLoss(loss) / share.parts,
        slopes: pairTokenSlopes(batch.targetSequence, loss, weights, share),
        metrics: facts.metrics(logps, tokens, terms),
      };
    },
  };
}
