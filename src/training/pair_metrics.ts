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
} from "./loss_terms.ts";
import {
  type Metrics,
  preferenceMetrics,
  type TargetStatistics,
  textLoss,
} from "./metrics.ts";
import type { PairTrainer } from "./trainers.ts";

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Log odds of chosen over rejected, `[pairs]`: https://arxiv.org/abs/2403.07691, Eq. 5. */
function logOddsRatios({ chosen, rejected }: PairLogps): Float64Array {
  return chosen.map((logp, i) => logOdds(logp)[0] - logOdds(rejected[i]!)[0]);
}

/** The metrics of one micro-batch of pairs. Rewards follow a divergence only without a reference (AlphaPO). */
export function pairMetrics(
  trainer: PairTrainer,
  logps: PairLogps,
  tokens: TargetStatistics,
  options: Partial<LossOptions> & { readonly beta: number },
): Metrics {
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
