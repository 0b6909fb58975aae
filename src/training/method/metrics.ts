/**
 * What one micro-batch tells, under the names that TRL logs. Plain arithmetic over numbers that
 * were read back; meter.ts averages them.
 *
 * @module
 */
import { divergenceScore } from "../loss/divergences.ts";
import { klEstimate } from "../loss/loss_forms.ts";
import { lossDefaults, type LossOptions } from "../loss/loss_options.ts";
import {
  type AnswerLogps,
  logOdds,
  logSigmoid,
  type PairLogps,
  type PairLoss,
} from "../loss/loss_terms.ts";
import type { TargetStatistics } from "../loss/token_sums.ts";

/** Names to values, as `metrics.jsonl` has them. */
export type Metrics = Readonly<Record<string, number>>;

/** The mean of a column; 0 if the column is empty. */
function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ?? NaN;
  return values.length === 0 ? 0 : sum / values.length;
}

/** The mean over the trained tokens for which `wanted(sequence)` holds; 0 if there are none. */
function tokenMean(
  values: ArrayLike<number>,
  { targetSequence }: TargetStatistics,
  wanted: (sequence: number) => boolean,
): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    if (!wanted(targetSequence[i] ?? 0)) continue;
    sum += values[i] ?? NaN;
    count++;
  }
  return count === 0 ? 0 : sum / count;
}

const isChosen = (sequence: number) => sequence % 2 === 0;
const isRejected = (sequence: number) => sequence % 2 === 1;
const isAny = () => true;

/** How rewards are made: of log-ratios, unless a divergence is named. */
export type RewardOptions =
  & Pick<LossOptions, "beta">
  & Partial<
    Pick<LossOptions, "f_divergence_type" | "f_alpha_divergence_coef">
  >;

/**
 * `beta * (policy - reference)`, in nats, `[pairs]`, whatever the loss: the implicit rewards of
 * Sec. 5 of https://arxiv.org/abs/2305.18290.
 */
export function implicitRewards(
  logps: PairLogps,
  options: RewardOptions,
): { readonly chosen: Float64Array; readonly rejected: Float64Array } {
  const { beta } = options;
  const score = divergenceScore({ ...lossDefaults, ...options });
  const rewards = (policy: Float64Array, reference: Float64Array) =>
    policy.map((x, i) => beta * score(x - (reference[i] ?? NaN))[0]);
  return {
    chosen: rewards(logps.chosen, logps.referenceChosen),
    rejected: rewards(logps.rejected, logps.referenceRejected),
  };
}

/** float32 sums of one sequence in two batches may be so far apart, relative to their size. */
const SUM_ROUNDING = 1e-6;

/**
 * How far from 0 the difference of two log-ratios can be by rounding alone, in nats: policy and
 * reference run in batches of different make-up, so that a tie is not an exact 0 as it is where
 * both run in one batch.
 */
function rounding(logps: PairLogps, pair: number): number {
  const { chosen, rejected, referenceChosen, referenceRejected } = logps;
  const sums = [chosen, rejected, referenceChosen, referenceRejected];
  return SUM_ROUNDING *
    sums.reduce((sum, column) => sum + Math.abs(column[pair] ?? NaN), 0);
}

/** The metrics of one micro-batch of pairs. */
export function preferenceMetrics(
  logps: PairLogps,
  tokens: TargetStatistics,
  options: RewardOptions,
): Metrics {
  const { beta } = options;
  const rewards = implicitRewards(logps, options);
  const margins = rewards.chosen.map((x, i) =>
    x - (rewards.rejected[i] ?? NaN)
  );
  return {
    "rewards/chosen": mean(rewards.chosen),
    "rewards/rejected": mean(rewards.rejected),
    "rewards/accuracies": mean(
      margins.map((x, i) => x > beta * rounding(logps, i) ? 1 : 0), // a tie is no win
    ),
    "rewards/margins": mean(margins),
    "logps/chosen": mean(logps.chosen),
    "logps/rejected": mean(logps.rejected),
    "logits/chosen": tokenMean(tokens.meanLogits, tokens, isChosen),
    "logits/rejected": tokenMean(tokens.meanLogits, tokens, isRejected),
    "entropy": tokenMean(tokens.entropies, tokens, isAny),
    "mean_token_accuracy": tokenMean(tokens.correct, tokens, isChosen),
  };
}

/** Log odds of chosen over rejected answers: https://arxiv.org/abs/2403.07691, Eq. 5. */
export function oddsRatioMetrics({ chosen, rejected }: PairLogps): Metrics {
  const ratios = chosen.map((logp, i) =>
    logOdds(logp)[0] - logOdds(rejected[i]!)[0]
  );
  return {
    log_odds_ratio: mean(ratios.map(logSigmoid)),
    log_odds_chosen: mean(ratios),
  };
}

/** What TRL's reward trainer logs; the columns hold rewards here, in place of log-probabilities. */
export function rewardMetrics({ chosen, rejected }: PairLogps): Metrics {
  const all = Float64Array.of(...chosen, ...rejected);
  const margins = chosen.map((reward, i) => reward - rejected[i]!);
  return {
    accuracy: mean(margins.map((margin) => margin > 0 ? 1 : 0)),
    margin: mean(margins),
    min_reward: Math.min(...all),
    mean_reward: mean(all),
    max_reward: Math.max(...all),
  };
}

/** Mean negative log-likelihood per token of the text that is learnt beside the pairs, in nats. */
export function textLoss(
  { text, textLengths }: Pick<PairLogps, "text" | "textLengths">,
): number {
  const sum = (column: Float64Array) => column.reduce((a, b) => a + b, 0);
  return -sum(text) / sum(textLengths);
}

/**
 * The metrics of one micro-batch of single answers: the wanted ones are called chosen, the others
 * rejected. A metric is absent if there is no answer of its kind.
 */
export function answerMetrics(
  logps: AnswerLogps,
  { beta }: Pick<LossOptions, "beta">,
): Metrics {
  const { answer, referenceAnswer, desirable } = logps;
  const sides = [["chosen", 1], ["rejected", 0]] as const;
  const found = sides.flatMap(([name, label]) => {
    const own = [...answer.keys()].filter((i) => desirable[i] === label);
    if (own.length === 0) return [];
    const reward = (i: number) =>
      beta * ((answer[i] ?? NaN) - (referenceAnswer[i] ?? NaN));
    return [
      [`rewards/${name}`, mean(own.map(reward))],
      [`logps/${name}`, mean(own.map((i) => answer[i] ?? NaN))],
    ] as const;
  });
  const metrics: Record<string, number> = {
    kl: klEstimate(logps),
    ...Object.fromEntries(found),
  };
  const chosen = metrics["rewards/chosen"];
  const rejected = metrics["rewards/rejected"];
  return chosen === undefined || rejected === undefined
    ? metrics
    : { ...metrics, "rewards/margins": chosen - rejected };
}

/**
 * The metrics of the tokens of single answers; the tokens of mismatched answers do not count.
 *
 * @param desirable 1 for each row whose answer is wanted, `[answers]`
 */
export function answerTokenMetrics(
  tokens: TargetStatistics,
  desirable: Uint8Array,
): Metrics {
  const labelled = (label: number) => (sequence: number) =>
    isChosen(sequence) && desirable[sequence >> 1] === label;
  const sides = [["chosen", 1], ["rejected", 0]] as const;
  const logits = sides.filter(([, label]) => desirable.includes(label)).map((
    [name, label],
  ) => [
    `logits/${name}`,
    tokenMean(tokens.meanLogits, tokens, labelled(label)),
  ]);
  return {
    ...Object.fromEntries(logits),
    "entropy": tokenMean(tokens.entropies, tokens, isChosen),
  };
}

/** The metrics of one micro-batch of supervised fine-tuning. */
export function supervisedMetrics(tokens: TargetStatistics): Metrics {
  return {
    "entropy": tokenMean(tokens.entropies, tokens, isAny),
    "mean_token_accuracy": tokenMean(tokens.correct, tokens, isAny),
  };
}

/** The loss of a micro-batch: the mean over its pairs, in nats. */
export function batchLoss({ losses }: Pick<PairLoss, "losses">): number {
  return mean(losses);
}

/** One batch of an evaluation. */
export interface EvaluatedBatch {
  /** Pairs, or sequences for supervised fine-tuning. */
  readonly size: number;
  readonly loss: number;
  readonly metrics: Metrics;
  /** Tokens that attention saw, prompts counted for both halves. */
  readonly attendedTokens: number;
}

/**
 * An evaluation's row, names with `eval_`: the loss weighted by the size of the batches, all else
 * the plain mean of the batches that have it, as in TRL.
 *
 * @throws {RangeError} If there is no batch
 */
export function evaluationMetrics(batches: readonly EvaluatedBatch[]): Metrics {
  if (batches.length === 0) {
    throw new RangeError(
      "Cannot evaluate: found no batch, expected at least one",
    );
  }
  const total = (of: (batch: EvaluatedBatch) => number) =>
    batches.reduce((sum, batch) => sum + of(batch), 0);
  const size = total((batch) => batch.size);
  const names = new Set(batches.flatMap(({ metrics }) => Object.keys(metrics)));
  return {
    eval_loss: total((batch) => batch.loss * batch.size) / size,
    ...Object.fromEntries([...names].map((name) => [
      `eval_${name}`,
      mean(batches.flatMap((batch) => batch.metrics[name] ?? [])),
    ])),
    eval_num_tokens: total((batch) => batch.attendedTokens),
  };
}
