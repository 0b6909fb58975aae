/**
 * Draws tokens by probabilities that a device computed in float32. Where their rounding could
 * change the token, it asks for the logits and draws by them, so that every token is the one of the
 * exact probabilities. Knows no device.
 */
import {
  type Candidates,
  findCandidates,
  type Limits,
  type Row,
  type Walk,
  walkTo,
} from "./candidates.ts";

/** Draws the tokens of one answer. It shares the random numbers of its sampler. */
export interface Drawing {
  /** The logits are divided by it before the softmax; above 0. */
  readonly temperature: number;
  /**
   * Draws the next token.
   *
   * @param probabilities `[vocab_size]`, the softmax of the logits divided by the temperature
   * @param logits gives the logits `[vocab_size]`; called only where rounding could matter
   */
  draw(
    probabilities: Float32Array,
    logits: () => Promise<Float32Array>,
  ): Promise<number>;
}

/**
 * @param nextPoint gives random numbers of 0 to 1, one for each token
 * @param byLogits draws the token of a random number by the exact probabilities
 */
export function createDrawing(
  { temperature, ...limits }: Limits & { readonly temperature: number },
  nextPoint: () => number,
  byLogits: (logits: Float32Array, point: number) => number,
): Drawing {
  return {
    temperature,
    draw: async (probabilities, logits) => {
      const point = nextPoint();
      return drawSurely(probabilities, limits, point) ??
        byLogits(await logits(), point);
    },
  };
}

/** A sum that differs from 1 by more than this is no rounding: such a row is not believed. */
const SUM_SLACK = 1e-3;

/**
 * The token at which the running sum of probabilities passes `point`, or undefined where rounding
 * could have changed it.
 *
 * @param probabilities `[vocab_size]` as the softmax kernel makes them
 */
export function drawSurely(
  probabilities: Float32Array,
  limits: Limits,
  point: number,
): number | undefined {
  let sum = 0;
  let most = 0;
  for (let id = 0; id < probabilities.length; id++) {
    const p = probabilities[id]!;
    sum += p;
    if (p > most) most = p;
  }
  if (!(Math.abs(sum - 1) < SUM_SLACK)) return undefined;
  const row: Row = {
    values: probabilities,
    weigh: (p) => p,
    bounds: [most * Math.exp(-8), most * Math.exp(-16), 0],
  };
  const candidates = findCandidates(row, limits);
  if (!areSure(candidates, most, probabilities.length)) return undefined;
  const walk = walkTo(point, row, candidates);
  return isSure(walk, probabilities.length) ? walk.id : undefined;
}

/** The relative error of a probability, see `softmax()`. */
function relativeError(p: number, most: number): number {
  return 2 ** -23 * (6 + 4 * Math.log(most / p));
}

/**
 * The error of a difference of two sums of probabilities. Each sum has at most the relative errors
 * weighed by the probabilities, and `sum(p * ln(most / p))` is at most the logarithm of their
 * number.
 */
function sumError(count: number): number {
  return 2 * 2 ** -23 * (6 + 4 * Math.log(count));
}

/** Whether exact probabilities leave the same candidates. */
function areSure(
  { least, next, crosses, surplus }: Candidates,
  most: number,
  count: number,
): boolean {
  // equal probabilities may come of logits that differ
  if (crosses) return false;
  if (surplus) {
    const error = sumError(count);
    const [withLast, without] = surplus;
    const isOnly = least === most;
    if (!(withLast > error && (isOnly || without < -error))) return false;
  }
  if (next === undefined || next === 0) return true;
  return least * (1 - relativeError(least, most)) >
    next * (1 + relativeError(next, most));
}

/** Whether exact probabilities give the same token. */
function isSure({ left: [before, after], isFirst }: Walk, count: number) {
  const error = sumError(count);
  return (isFirst || before > error) && after < -error;
}
