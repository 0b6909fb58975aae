/**
 * Preference losses: one table. A row turns sequence log-probabilities into losses and their slopes, in float64, on
 * the CPU. No row knows a model, a token or a device; the trainer knows no row by name.
 *
 * @module
 */

/** Sums of log-probabilities over each completion, in nats, for a batch of pairs. Every array is `[pairs]`. */
export interface PairLogps {
  readonly chosen: Float64Array;
  readonly rejected: Float64Array;
  readonly referenceChosen: Float64Array;
  readonly referenceRejected: Float64Array;
  /** Trained tokens of each chosen answer. */
  readonly chosenLengths: Float64Array;
  /** Trained tokens of each rejected answer. */
  readonly rejectedLengths: Float64Array;
}

/** Losses of a batch of pairs and how they move with the policy's log-probabilities. Every array is `[pairs]`. */
export interface PairLoss {
  /** Loss of each pair, in nats; the batch's loss is their mean. */
  readonly losses: Float64Array;
  /** Slope of the SUM of `losses` with respect to each `chosen` log-probability. */
  readonly chosenSlopes: Float64Array;
  /** Slope of the SUM of `losses` with respect to each `rejected` log-probability. */
  readonly rejectedSlopes: Float64Array;
}

/** What the losses of the table may depend on beside the log-probabilities. */
export interface LossOptions {
  /** Strength of the pull towards the reference; 0.1 to 0.5 is usual. */
  readonly beta: number;
  /** Share of pairs that are taken to be labelled the wrong way round, 0 to 0.5. */
  readonly label_smoothing: number;
}

/** One row of the table. */
export interface LossRow {
  readonly help: string;
  /** The paper, with its equation. */
  readonly source: string;
  /** Whether `label_smoothing` changes this loss. */
  readonly smooths: boolean;
  /** The whole batch at once, so that a row may couple its pairs. */
  readonly compute: (logps: PairLogps, options: LossOptions) => PairLoss;
}

/** ln(sigmoid(x)) without overflow. */
function logSigmoid(x: number): number {
  return Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)));
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** Loss of one margin and its slope with respect to that margin. */
type MarginLoss = (
  margin: number,
  options: LossOptions,
) => readonly [loss: number, slope: number];

/** The row's function where pairs are apart and only the difference of their log-ratios counts. */
function ofMargin(
  loss: MarginLoss,
  { perToken = false } = {},
): LossRow["compute"] {
  return (logps, options) => {
    const pairs = logps.chosen.length;
    const result = emptyLoss(pairs);
    for (let i = 0; i < pairs; i++) {
      const chosenWeight = perToken ? 1 / at(logps.chosenLengths, i) : 1;
      const rejectedWeight = perToken ? 1 / at(logps.rejectedLengths, i) : 1;
      const margin =
        chosenWeight * (at(logps.chosen, i) - at(logps.referenceChosen, i)) -
        rejectedWeight *
          (at(logps.rejected, i) - at(logps.referenceRejected, i));
      const [value, slope] = loss(margin, options);
      result.losses[i] = value;
      result.chosenSlopes[i] = slope * chosenWeight;
      result.rejectedSlopes[i] = -slope * rejectedWeight;
    }
    return result;
  };
}

function at(array: Float64Array, i: number): number {
  return array[i] ?? NaN;
}

function emptyLoss(pairs: number): PairLoss {
  return {
    losses: new Float64Array(pairs),
    chosenSlopes: new Float64Array(pairs),
    rejectedSlopes: new Float64Array(pairs),
  };
}

/** Every preference loss, by the name that `loss_type` has for it. */
export const lossRows = {
  sigmoid: {
    help: "DPO; with label_smoothing conservative DPO",
    source:
      "https://arxiv.org/abs/2305.18290, Eq. 7; https://ericmitchell.ai/cdpo.pdf, Eq. 3",
    smooths: true,
    compute: ofMargin((margin, { beta, label_smoothing }) => {
      const h = beta * margin;
      return [
        -(1 - label_smoothing) * logSigmoid(h) -
        label_smoothing * logSigmoid(-h),
        beta * (label_smoothing * sigmoid(h) -
          (1 - label_smoothing) * sigmoid(-h)),
      ];
    }),
  },
  ipo: {
    help: "squared distance to 1 / (2 beta), log-ratios per token",
    source: "https://arxiv.org/abs/2310.12036, Eq. 17",
    smooths: false,
    compute: ofMargin((margin, { beta }) => {
      const short = margin - 1 / (2 * beta);
      return [short ** 2, 2 * short];
    }, { perToken: true }),
  },
  hinge: {
    help: "SLiC with the reference's log-ratios: max(0, 1 - beta * margin)",
    source:
      "https://arxiv.org/abs/2305.10425; hinge-norm in https://arxiv.org/abs/2309.06657",
    smooths: false,
    compute: ofMargin((margin, { beta }) => {
      const short = 1 - beta * margin;
      return short > 0 ? [short, -beta] : [0, 0];
    }),
  },
} as const satisfies Readonly<Record<string, LossRow>>;

/** A name in the table of losses. */
export type LossName = keyof typeof lossRows;

/** The names in the table of losses. */
export const lossNames = Object.keys(lossRows) as LossName[];

/** Which losses, how much of each, and their options. */
export interface PreferenceLossOptions extends LossOptions {
  readonly loss_type: readonly LossName[];
  /** One weight per name, 1 each where null; they are not normalised. */
  readonly loss_weights: readonly number[] | null;
}

/**
 * The weighted sum of the named losses.
 *
 * @throws {RangeError} If the arrays differ in length
 */
export function preferenceLoss(
  logps: PairLogps,
  options: PreferenceLossOptions,
): PairLoss {
  const pairs = logps.chosen.length;
  if (Object.values(logps).some((array) => array.length !== pairs)) {
    throw new RangeError(
      `Cannot compute the loss: found arrays of ${
        Object.values(logps).map((array) => array.length).join(", ")
      } pairs, expected one length`,
    );
  }
  const total = emptyLoss(pairs);
  for (const [k, name] of options.loss_type.entries()) {
    const weight = options.loss_weights?.[k] ?? 1;
    const part = lossRows[name].compute(logps, options);
    for (const key of ["losses", "chosenSlopes", "rejectedSlopes"] as const) {
      const sum = total[key];
      for (let i = 0; i < pairs; i++) {
        sum[i] = at(sum, i) + weight * at(part[key], i);
      }
    }
  }
  return total;
}

/** The loss where the policy equals the reference: ln 2 for sigmoid, in nats. What a first step must show. */
export function startingLoss(options: PreferenceLossOptions): number {
  const zero = Float64Array.of(0);
  const one = Float64Array.of(1);
  const { losses } = preferenceLoss({
    ...{ chosen: zero, rejected: zero },
    ...{ referenceChosen: zero, referenceRejected: zero },
    ...{ chosenLengths: one, rejectedLengths: one },
  }, options);
  return at(losses, 0);
}
