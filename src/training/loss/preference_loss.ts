/**
 * The weighted sum of losses by name: one loss or several (RPO, MPO), over pairs or over single
 * answers.
 *
 * @module
 */
import { at, emptyLoss } from "./loss_forms.ts";
import { lossDefaults, type LossOptions } from "./loss_options.ts";
import type {
  AnswerLogps,
  AnswerLoss,
  PairLogps,
  PairLoss,
} from "./loss_terms.ts";
import { type LossName, lossRows } from "./losses.ts";

/** Which losses, how much of each, and their options, TRL's defaults where absent. */
export interface PreferenceLossOptions extends Partial<LossOptions> {
  /** How strongly the policy is held to the reference; 0.1 is usual. */
  readonly beta: number;
  /** The losses that are added up. */
  readonly loss_type: readonly LossName[];
  /** One weight per name, 1 each where null; they are not normalised. */
  readonly loss_weights: readonly number[] | null;
}

function checkLengths(logps: PairLogps | AnswerLogps): void {
  const lengths = Object.values(logps).map((column) => column.length);
  if (new Set(lengths).size > 1) {
    throw new RangeError(
      `Cannot compute the loss: found columns of ${
        lengths.join(", ")
      } numbers, expected one length`,
    );
  }
}

/** Adds `weight * part` to `sum`, each number by a factor of its own too. */
function add(
  sum: Float64Array,
  part: Float64Array,
  weight: (i: number) => number,
): void {
  for (let i = 0; i < sum.length; i++) {
    sum[i] = at(sum, i) + weight(i) * at(part, i);
  }
}

/**
 * The weighted sum of the named losses of pairs.
 *
 * @throws {RangeError} If the arrays differ in length; {TypeError} if a loss is not one of pairs
 */
export function preferenceLoss(
  logps: PairLogps,
  options: PreferenceLossOptions,
): PairLoss {
  checkLengths(logps);
  const all = { ...lossDefaults, ...options };
  const total = emptyLoss(logps.chosen.length);
  for (const [k, name] of options.loss_type.entries()) {
    const row = lossRows[name];
    if (row.of !== undefined) throw wrongData(name, "pairs");
    const part = row.compute(logps, all);
    const share = options.loss_weights?.[k] ?? 1;
    const weight = (i: number) => share * at(logps.weights, i);
    add(total.losses, part.losses, weight);
    add(total.chosenSlopes, part.chosenSlopes, weight);
    add(total.rejectedSlopes, part.rejectedSlopes, weight);
    add(total.textSlopes, part.textSlopes, weight);
  }
  return total;
}

/**
 * The weighted sum of the named losses of single answers.
 *
 * @throws {RangeError} If the arrays differ in length; {TypeError} if a loss is not one of answers
 */
export function answerLoss(
  logps: AnswerLogps,
  options: PreferenceLossOptions,
): AnswerLoss {
  checkLengths(logps);
  const all = { ...lossDefaults, ...options };
  const losses = new Float64Array(logps.answer.length);
  const slopes = new Float64Array(logps.answer.length);
  for (const [k, name] of options.loss_type.entries()) {
    const row = lossRows[name];
    if (row.of !== "answers") throw wrongData(name, "answers");
    const part = row.compute(logps, all);
    const weight = () => options.loss_weights?.[k] ?? 1;
    add(losses, part.losses, weight);
    add(slopes, part.slopes, weight);
  }
  return { losses, slopes };
}

/**
 * The weighted sum of the named losses of texts, for each trained token.
 *
 * @param logps of the tokens, in nats, `[targets]`
 * @returns losses and slopes of each token's log-probability, both `[targets]`
 * @throws {TypeError} if a loss is not one of texts
 */
export function tokenLoss(
  logps: ArrayLike<number>,
  { loss_type, loss_weights }: Pick<
    PreferenceLossOptions,
    "loss_type" | "loss_weights"
  >,
): AnswerLoss {
  const losses = new Float64Array(logps.length);
  const slopes = new Float64Array(logps.length);
  for (const [k, name] of loss_type.entries()) {
    const row = lossRows[name];
    if (row.of !== "tokens") throw wrongData(name, "tokens");
    const weight = loss_weights?.[k] ?? 1;
    for (let t = 0; t < logps.length; t++) {
      const [loss, slope] = row.compute(at(logps, t));
      losses[t] = at(losses, t) + weight * loss;
      slopes[t] = at(slopes, t) + weight * slope;
    }
  }
  return { losses, slopes };
}

/** What a loss can be of, as a user says it. */
const DATA = {
  pairs: "pairs",
  answers: "answers with a label",
  tokens: "texts",
} as const;

function wrongData(name: LossName, data: keyof typeof DATA): TypeError {
  const wanted = lossRows[name].of ?? "pairs";
  return new TypeError(
    `Cannot compute the loss "${name}": found ${DATA[data]}, expected ${
      DATA[wanted]
    }`,
  );
}
