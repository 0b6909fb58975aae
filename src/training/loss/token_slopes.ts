/**
 * From the slopes of a loss with respect to sums of log-probabilities to its slopes with respect to
 * each trained token's log-probability, which is what the backward pass on the device starts from.
 * The way back of token_sums.ts.
 *
 * @module
 */
import type { AnswerLoss, PairLoss } from "./loss_terms.ts";

/** What one scored batch is of the whole optimizer step. */
export interface StepShare {
  /**
   * How many batches of this weight make up the step: the number of its micro-batches, and more
   * where the batch is only a part of a micro-batch (3 of the 4 pairs of one of 2 micro-batches: 2
   * / (3 / 4)). The step's loss has 1 / parts of this batch's mean loss.
   */
  readonly parts: number;
  /** Trained tokens of the whole step. */
  readonly targets: number;
}

/** Slope of the step's loss with respect to each trained token's log-probability, `[targets]`. */
export type TokenSlopes = Float32Array<ArrayBuffer>;

/**
 * Slopes of pairs: sequence `2 * pair` is chosen, `2 * pair + 1` rejected.
 *
 * @param targetSequence the sequence of each trained token, `[targets]`; those of prompts come last
 * @param loss the slopes of the SUM of the pairs' losses, `[pairs]`
 * @param weights the weight of each token of an answer in its sum; a token beyond them belongs to a
 *   prompt and counts in the text alone
 */
export function pairTokenSlopes(
  targetSequence: Uint32Array,
  loss: PairLoss,
  weights: Float64Array,
  { parts }: Pick<StepShare, "parts">,
): TokenSlopes {
  const share = 1 / loss.losses.length / parts;
  return Float32Array.from(targetSequence, (sequence, t) => {
    const pair = sequence >> 1;
    const [answer, text] = sequence % 2 === 0
      ? [loss.chosenSlopes[pair]!, loss.textSlopes[pair]!]
      : [loss.rejectedSlopes[pair]!, 0];
    return (answer * (weights[t] ?? 0) + text) * share;
  });
}

/**
 * Slopes of single answers: sequence `2 * row` is the answer; `2 * row + 1`, another row's answer,
 * has no gradient.
 *
 * @param loss the slopes of the SUM of the answers' losses, `[answers]`
 */
export function answerTokenSlopes(
  targetSequence: Uint32Array,
  loss: AnswerLoss,
  { parts }: Pick<StepShare, "parts">,
): TokenSlopes {
  const share = 1 / loss.losses.length / parts;
  return Float32Array.from(
    targetSequence,
    (sequence) => sequence % 2 === 0 ? loss.slopes[sequence >> 1]! * share : 0,
  );
}

/**
 * Slopes of supervised fine-tuning: each trained token of the step counts alike.
 *
 * @param slopes of each token's own loss, `[targets]`
 */
export function textTokenSlopes(
  slopes: Float64Array,
  { targets }: Pick<StepShare, "targets">,
): TokenSlopes {
  return Float32Array.from(slopes, (slope) => slope / targets);
}
