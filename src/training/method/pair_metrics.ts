/**
 * The metrics of a micro-batch of pairs by trainer, under the names that TRL logs. Without a reference, rewards are
 * `beta * logps`, and the likelihood term has a column of its own.
 *
 * @module
 */
import {
  logOdds,
  logSigmoid,
  type LossOptions,
  type PairLogps,
} from "../loss/loss_terms.ts";
import { type Metrics, preferenceMetrics, textLoss } from "./metrics.ts";
import type { TargetStatistics } from "../loss/token_sums.ts";
import type { PairTrainer } from "./trainers.ts";

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Log odds of chosen over rejected, `[pairs]`: https://arxiv.org/abs/2403.07691, Eq. 5. */
function logOddsRatios({ chosen, rejected }: PairLogps): Float64Array {
  return chosen.map((logp, i) => logOdds(logp)[0] - logOdds(rejected[i]!)[0]);
}

/** What TRL's reward trainer logs; the columns hold rewards here. */
function rewardMetrics({ chosen, rejected }: PairLogps): Metrics {
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

/** The metrics of one micro-batch of pairs. Rewards follow a divergence only without a reference (AlphaPO). */
export function pairMetrics(
  trainer: PairTrainer,
  logps: PairLogps,
  tokens: TargetStatistics,
  options: Partial<LossOptions> & { readonly beta: number },
): Metrics {
  if (trainer === "reward") return rewardMetrics(logps);
  if (trainer === "dpo") {
    return preferenceMetrics(logps, tokens, { beta: options.beta });
  }
  const metrics = {
    ...preferenceMetrics(logps, tokens, options),
    nll_loss: textLoss(logps),
  };
  if (trainer === "cpo") return metrics;
  const ratios = logOddsRatios(logps);
  return {
    ...metrics,
    log_odds_ratio: mean(ratios.map(logSigmoid)),
    log_odds_chosen: mean(ratios),
  };
}
