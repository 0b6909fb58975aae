/**
 * Every loss: one table. A row turns log-probabilities into losses and their slopes, in float64, on
 * the CPU. No row knows a model, a token or a device; the trainer knows no row by name.
 *
 * @module
 */
import { mixedChiSquared } from "./divergences.ts";
import {
  type AnswerForm,
  klEstimate,
  type MarginLoss,
  ofAnswers,
  ofMargin,
  ofRatios,
  ofRewards,
  ofSoftMinimum,
  ofSorted,
  ofText,
  type PairForm,
  rewardLoss,
  smoothedLogistic,
  type TokenForm,
} from "./loss_forms.ts";
import type { LossOptions } from "./loss_options.ts";
import { logOdds, logSigmoid, sigmoid } from "./loss_terms.ts";

/** What all rows of the table say. */
interface LossFacts {
  readonly help: string;
  /** The paper, with its equation. */
  readonly source: string;
  /** The trainers that take it; default `dpo` alone. */
  readonly trainers?: readonly (
    | "dpo"
    | "cpo"
    | "orpo"
    | "reward"
    | "kto"
    | "sft"
  )[];
  /** Whether `label_smoothing` changes it. */
  readonly smooths?: true;
  /** Whether it takes an `f_divergence_type`. */
  readonly diverges?: true;
  /**
   * Whether the pairs of a micro-batch depend on each other, so that `use_weighting` has no pair to
   * weigh.
   */
  readonly couples?: true;
  /** Whether it is one of `beta * margin`, from which `score_margin` can be taken. */
  readonly offsets?: true;
  /** Whether it looks at the text alone, so that `score_margin` means nothing to it. */
  readonly textOnly?: true;
  /** Whether it takes means per token where there is no reference. */
  readonly averages?: true;
  /** Whether it may be of either sign, so that 3 times the first one says nothing. */
  readonly signed?: true;
  /** What it cannot do under some options, as a sentence; undefined where they suit it. */
  readonly refuses?: (options: RefusedOptions) => string | undefined;
}

/** The options by which a loss may be refused. */
export type RefusedOptions = Pick<LossOptions, "label_smoothing"> & {
  readonly per_device_train_batch_size: number;
};

/** One row of the table; the whole batch at once, so that a row may couple its examples. */
export type LossRow =
  | LossFacts & { readonly of?: never; readonly compute: PairForm }
  | LossFacts & { readonly of: "answers"; readonly compute: AnswerForm }
  | LossFacts & { readonly of: "tokens"; readonly compute: TokenForm };

/** DPO's logistic loss of a margin, with `label_smoothing`. */
const logistic: MarginLoss = (margin, { beta, label_smoothing }) =>
  smoothedLogistic(margin, { scale: beta, smoothing: label_smoothing });

/** The losses: one row for each. */
export const LOSSES = {
  sigmoid: {
    help: "DPO; with label_smoothing conservative DPO",
    source:
      "https://arxiv.org/abs/2305.18290, Eq. 7; https://ericmitchell.ai/cdpo.pdf, Eq. 3; CPO: https://arxiv.org/abs/2401.08417, Eq. 3",
    trainers: ["dpo", "cpo"],
    smooths: true,
    diverges: true,
    offsets: true,
    compute: ofMargin(logistic),
  },
  sigmoid_norm: {
    help: "sigmoid of log-ratios per token",
    source: "https://arxiv.org/abs/2411.15124",
    diverges: true,
    compute: ofMargin(
      (margin, { beta }) =>
        smoothedLogistic(margin, { scale: beta, smoothing: 0 }),
      { perToken: true },
    ),
  },
  ipo: {
    help: "squared distance to 1 / (2 beta), log-ratios per token",
    source: "https://arxiv.org/abs/2310.12036, Eq. 17",
    trainers: ["dpo", "cpo"],
    diverges: true,
    averages: true,
    compute: ofMargin((margin, { beta }) => {
      const short = margin - 1 / (2 * beta);
      return [short ** 2, 2 * short];
    }, { perToken: true }),
  },
  hinge: {
    help: "SLiC: max(0, 1 - beta * margin)",
    source:
      "https://arxiv.org/abs/2305.10425; hinge-norm in https://arxiv.org/abs/2309.06657",
    trainers: ["dpo", "cpo"],
    diverges: true,
    offsets: true,
    compute: ofMargin((margin, { beta }) => {
      const short = 1 - beta * margin;
      return short > 0 ? [short, -beta] : [0, 0];
    }),
  },
  robust: {
    help: "unbiased where a share label_smoothing of the labels is flipped",
    source: "https://arxiv.org/abs/2403.00409",
    smooths: true,
    diverges: true,
    offsets: true,
    refuses: ({ label_smoothing }) =>
      label_smoothing === 0.5
        ? '"label_smoothing" must be below 0.5 for "robust"'
        : undefined,
    compute: ofMargin((margin, { beta, label_smoothing: flipped }) => {
      const h = beta * margin;
      const scale = 1 / (1 - 2 * flipped);
      return [
        scale * (flipped * logSigmoid(-h) - (1 - flipped) * logSigmoid(h)),
        -scale * beta * (flipped * sigmoid(h) + (1 - flipped) * sigmoid(-h)),
      ];
    }),
  },
  exo_pair: {
    help: "EXO: reverse KL to the labels, smoothed by label_smoothing above 0",
    source: "https://arxiv.org/abs/2402.00856, Eq. 16",
    smooths: true,
    diverges: true,
    refuses: ({ label_smoothing }) =>
      label_smoothing === 0
        ? '"label_smoothing" must be above 0 for "exo_pair"; its paper takes 0.001'
        : undefined,
    compute: ofMargin((margin, { beta, label_smoothing }) => {
      const h = beta * margin;
      const win = logSigmoid(h) - Math.log1p(-label_smoothing);
      const lose = logSigmoid(-h) - Math.log(label_smoothing);
      const [p, q] = [sigmoid(h), sigmoid(-h)];
      return [p * win + q * lose, beta * p * q * (win - lose)];
    }),
  },
  discopop: {
    help: "blend of logistic and exponential loss, found by a language model",
    source: "https://arxiv.org/abs/2406.08414, Eq. 5",
    diverges: true,
    compute: ofMargin((margin, { beta, discopop_tau: tau }) => {
      const h = beta * margin;
      const blend = sigmoid(h / tau);
      const lnBlend = logSigmoid(h / tau); // exp(-h) alone may overflow where the blend is 0
      const dBlend = blend * sigmoid(-h / tau) / tau;
      const dExp = Math.exp(lnBlend + logSigmoid(-h / tau) - h) / tau;
      const exp = Math.exp(lnBlend - h);
      return [
        -logSigmoid(h) * (1 - blend) + exp,
        beta *
        (logSigmoid(h) * dBlend - sigmoid(-h) * (1 - blend) + dExp - exp),
      ];
    }),
  },
  dpop: {
    help: "DPO-Positive: sigmoid with dpop_lambda on chosen answers made rarer",
    source: "https://arxiv.org/abs/2402.13228, Eq. 3",
    compute: ofRewards((c, r, { dpop_lambda: lambda }) => {
      const h = c - r - lambda * Math.max(0, -c);
      const p = sigmoid(-h);
      return [-logSigmoid(h), c < 0 ? -p * (1 + lambda) : -p, p];
    }),
  },
  dpo_shift: {
    help:
      "DPO-Shift: sigmoid of the chosen reward less dpo_lambda of the other",
    source: "https://arxiv.org/abs/2502.07599",
    smooths: true,
    compute: ofRewards((c, r, { label_smoothing, dpo_lambda: lambda }) => {
      const [loss, slope] = smoothedLogistic(c - lambda * r, {
        scale: 1,
        smoothing: label_smoothing,
      });
      return [loss, slope, -lambda * slope];
    }),
  },
  chipo: {
    help: "ChiPO: sigmoid, a log-ratio's score being ratio + ln(ratio)",
    source: "https://arxiv.org/abs/2407.13399",
    compute: ofRatios((chosen, rejected, { beta, chipo_rmax }) => {
      const [high, highSlope] = mixedChiSquared(chosen);
      const [low, lowSlope] = mixedChiSquared(rejected);
      const most = 2 * (chipo_rmax ?? Infinity);
      const h = beta * (high - low);
      const slope = Math.abs(h) > most ? 0 : -beta * sigmoid(-h);
      return [
        -logSigmoid(Math.max(-most, Math.min(most, h))),
        slope * highSlope,
        -slope * lowSlope,
      ];
    }),
  },
  r_dpo: {
    help: "R-DPO: sigmoid, an answer paying rdpo_alpha for each of its tokens",
    source: "https://arxiv.org/abs/2403.19159",
    smooths: true,
    diverges: true,
    offsets: true,
    compute: ofMargin((margin, { beta, label_smoothing, rdpo_alpha }, longer) =>
      smoothedLogistic(margin, {
        scale: beta,
        shift: rdpo_alpha * longer,
        smoothing: label_smoothing,
      })
    ),
  },
  dr_dpo: {
    help: "Dr. DPO: sigmoid, pairs of great loss counting less, by dr_dpo_beta",
    source: "https://arxiv.org/abs/2407.07880",
    smooths: true,
    diverges: true,
    offsets: true,
    couples: true,
    compute: ofSoftMinimum(
      ofMargin(logistic),
      ({ dr_dpo_beta }) => dr_dpo_beta,
    ),
  },
  nca_pair: {
    help: "NCA: noise contrast of each answer's reward with its absence",
    source: "https://arxiv.org/abs/2402.05369",
    compute: ofRewards((c, r) => [
      -logSigmoid(c) - 0.5 * logSigmoid(-c) - 0.5 * logSigmoid(-r),
      0.5 * sigmoid(c) - sigmoid(-c),
      0.5 * sigmoid(r),
    ]),
  },
  bco_pair: {
    help: "BCO on pairs: each answer classified by itself, no shift",
    source: "https://arxiv.org/abs/2404.04656, with a shift of 0",
    compute: ofRewards((c, r) => [
      -logSigmoid(c) - logSigmoid(-r),
      -sigmoid(-c),
      sigmoid(r),
    ]),
  },
  sppo_hard: {
    help: "SPPO with wins of probability 1: log-ratios towards +-1 / (2 beta)",
    source: "https://arxiv.org/abs/2405.00675, Eq. 4.7",
    compute: ofRatios((chosen, rejected, { beta }) => {
      const [high, low] = [chosen - 0.5 / beta, rejected + 0.5 / beta];
      return [high ** 2 + low ** 2, 2 * high, 2 * low];
    }),
  },
  apo_zero: {
    help: "APO where chosen answers beat the model's own",
    source: "https://arxiv.org/abs/2408.06266, Eq. 7",
    compute: ofRewards((c, r) => [
      sigmoid(-c) + sigmoid(r),
      -sigmoid(c) * sigmoid(-c),
      sigmoid(r) * sigmoid(-r),
    ]),
  },
  apo_down: {
    help: "APO where the model's own answers beat the chosen ones",
    source: "https://arxiv.org/abs/2408.06266, Eq. 8",
    compute: ofRewards((c, r) => {
      const steep = sigmoid(c - r) * sigmoid(r - c);
      return [
        sigmoid(c) + sigmoid(r - c),
        sigmoid(c) * sigmoid(-c) - steep,
        steep,
      ];
    }),
  },
  aot: {
    help: "AOT: sorted margins of policy and reference",
    source: "https://arxiv.org/abs/2406.05882",
    smooths: true,
    couples: true,
    compute: ofSorted(logistic, { paired: true }),
  },
  aot_unpaired: {
    help: "AOT: sorted log-ratios of chosen and rejected answers",
    source: "https://arxiv.org/abs/2406.05882",
    smooths: true,
    couples: true,
    compute: ofSorted(logistic, { paired: false }),
  },
  sft: {
    help: "negative log-likelihood of the chosen answers' tokens, for mixtures",
    source: "RPO: https://arxiv.org/abs/2404.19733, Eq. 1",
    diverges: true,
    couples: true,
    textOnly: true,
    compute: ofText(),
  },
  simpo: {
    help: "SimPO: margin of log-probabilities per token above simpo_gamma",
    source: "https://arxiv.org/abs/2405.14734, Eq. 6",
    trainers: ["cpo"],
    smooths: true,
    averages: true,
    compute: ofMargin((margin, { beta, label_smoothing, simpo_gamma }) =>
      smoothedLogistic(margin, {
        scale: beta,
        shift: simpo_gamma,
        smoothing: label_smoothing,
      })
    ),
  },
  simper: {
    help:
      "SimPER: likelihood per token of rejected less that of chosen answers",
    source: "https://arxiv.org/abs/2502.00883",
    trainers: ["cpo"],
    averages: true,
    signed: true,
    compute: ofRatios((chosen, rejected) => {
      const [high, low] = [Math.exp(chosen), Math.exp(rejected)];
      return [low - high, -high, low];
    }),
  },
  reward: {
    help: "of rewards: logistic loss of their difference",
    source: "https://arxiv.org/abs/2203.02155, Eq. 1",
    trainers: ["reward"],
    offsets: true,
    compute: ofRatios(rewardLoss),
  },
  orpo: {
    help: "ORPO: beta times the logistic loss of the log odds ratio per token",
    source: "https://arxiv.org/abs/2403.07691, Eq. 7",
    trainers: ["orpo"],
    averages: true,
    compute: ofRatios((chosen, rejected, { beta }) => {
      const [won, wonSlope] = logOdds(chosen);
      const [lost, lostSlope] = logOdds(rejected);
      const slope = -beta * sigmoid(lost - won);
      return [
        -beta * logSigmoid(won - lost),
        slope * wonSlope,
        -slope * lostSlope,
      ];
    }),
  },
  nll: {
    help: "of texts: negative log-likelihood of their trained tokens",
    source: "https://arxiv.org/abs/2203.02155, Sec. 3.5",
    of: "tokens",
    trainers: ["sft"],
    compute: (logp) => [-logp, -1],
  },
  dft: {
    help: "DFT: nll, each token weighed by its probability",
    source: "https://arxiv.org/abs/2508.05629",
    of: "tokens",
    trainers: ["sft"],
    // no gradient flows through the weight
    compute: (logp) => [-logp * Math.exp(logp), -Math.exp(logp)],
  },
  kto: {
    help: "KTO: an answer's reward above the batch's KL estimate",
    source: "https://arxiv.org/abs/2402.01306, Eq. 7",
    of: "answers",
    trainers: ["kto"],
    couples: true,
    refuses: ({ per_device_train_batch_size }) =>
      per_device_train_batch_size < 2
        ? '"per_device_train_batch_size" must be 2 or more for "kto": its KL estimate takes answers of other rows'
        : undefined,
    compute: ofAnswers(klEstimate),
  },
  apo_zero_unpaired: {
    help: "apo_zero of single answers: KTO without the KL estimate",
    source: "https://arxiv.org/abs/2408.06266, Eq. 7",
    of: "answers",
    trainers: ["kto"],
    compute: ofAnswers(() => 0),
  },
} as const satisfies Readonly<Record<string, LossRow>>;

/** A name in the table of losses. */
export type LossName = keyof typeof LOSSES;

/** Every loss, by the name that `loss_type` has for it. */
export const lossRows: Readonly<Record<LossName, LossRow>> = LOSSES;

/** The names in the table of losses. */
export const lossNames = Object.keys(LOSSES) as LossName[];
