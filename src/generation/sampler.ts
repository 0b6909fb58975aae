/**
 * Chooses the next token from logits: temperature, top_k and top_p, in this order as in
 * transformers, in float64. The same seed and logits give the same tokens. Knows neither model nor
 * tokenizer.
 */
import { Random } from "../base/random.ts";

/** How tokens are drawn. Names are those of generation_config.json. */
export interface Sampling {
  /** Divides the logits; 0 takes the likeliest token. 0 to 2 is usual. */
  readonly temperature: number;
  /** Draws among this number of the likeliest tokens; 0 is no limit. */
  readonly top_k: number;
  /**
   * Draws among the likeliest tokens that together have this probability, 0 to 1; 1 is no limit.
   */
  readonly top_p: number;
}

/** Chooses the next token by its logits `[vocab_size]`. */
export type Sampler = (logits: Float32Array) => number;

/** Always the likeliest token; of equal ones the lowest id. */
export const GREEDY: Sampling = { temperature: 0, top_k: 0, top_p: 1 };

/**
 * Makes a sampler with its own random state.
 *
 * @throws {RangeError} naming each parameter that is out of range
 */
export function createSampler(sampling: Sampling, seed = 0): Sampler {
  checkSampling(sampling);
  if (sampling.temperature === 0) return likeliest;
  const random = new Random(seed);
  return (logits) => draw(logits, sampling, random.float());
}

function checkSampling({ temperature, top_k, top_p }: Sampling): void {
  const problems: string[] = [];
  if (!(temperature >= 0 && temperature < Infinity)) {
    problems.push(`temperature ${temperature}, expected 0 or more`);
  }
  if (!Number.isInteger(top_k) || top_k < 0) {
    problems.push(`top_k ${top_k}, expected an integer of 0 or more`);
  }
  if (!(top_p > 0 && top_p <= 1)) {
    problems.push(`top_p ${top_p}, expected above 0, at most 1`);
  }
  if (problems.length > 0) {
    throw new RangeError(`Cannot sample: ${problems.join("; ")}`);
  }
}

/**
 * The token with the largest logit; of equal ones the lowest id.
 *
 * @throws {RangeError} if a logit is not a number, or none is finite
 */
export function likeliest(logits: Float32Array): number {
  let best = -1;
  let most = -Infinity;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!;
    if (Number.isNaN(logit)) {
      throw new RangeError(
        `Cannot choose a token: the logit of token ${id} is NaN`,
      );
    }
    if (logit > most) {
      best = id;
      most = logit;
    }
  }
  if (best >= 0 && most < Infinity) return best;
  throw new RangeError(
    `Cannot choose a token among ${logits.length}: the largest logit is ${most}`,
  );
}

/** The token at which the running sum of probabilities passes `point`, 0 to 1. */
function draw(
  logits: Float32Array,
  sampling: Sampling,
  point: number,
): number {
  const top = likeliest(logits);
  const weigh = (logit: number) =>
    Math.exp((logit - logits[top]!) / sampling.temperature);
  const { ids, total } = candidates(logits, sampling, weigh);
  let left = point * total;
  let last = top;
  for (const id of ids()) {
    last = id;
    left -= weigh(logits[id]!);
    if (left < 0) return id;
  }
  return last; // the weights add up to slightly less than `total`, by rounding
}

interface Candidates {
  /** The ids in rising order. */
  readonly ids: () => Iterable<number>;
  /** Sum of their weights. */
  readonly total: number;
}

/**
 * The tokens that remain after `top_k` and `top_p`: all above a threshold, and of those equal to it
 * the ones with the lowest ids.
 */
function candidates(
  logits: Float32Array,
  { top_k, top_p }: Sampling,
  weigh: (logit: number) => number,
): Candidates {
  if (top_p === 1 && (top_k === 0 || top_k >= logits.length)) {
    const total = logits.reduce((sum, logit) => sum + weigh(logit), 0);
    return { ids: () => logits.keys(), total };
  }
  const descending = logits.toSorted().reverse();
  const most = top_k === 0 ? logits.length : Math.min(top_k, logits.length);
  const kept = countWithin(descending.subarray(0, most), top_p, weigh);
  const total = descending.subarray(0, kept)
    .reduce((sum, logit) => sum + weigh(logit), 0);
  const threshold = descending[kept - 1]!;
  const ties = kept - descending.indexOf(threshold);
  return { ids: () => above(logits, threshold, ties), total };
}

/**
 * How many of the largest logits are needed until their share of the whole reaches `top_p`; at
 * least one.
 */
function countWithin(
  descending: Float32Array,
  top_p: number,
  weigh: (logit: number) => number,
): number {
  if (top_p === 1) return descending.length;
  const whole = descending.reduce((sum, logit) => sum + weigh(logit), 0);
  let sum = 0;
  for (const [i, logit] of descending.entries()) {
    sum += weigh(logit);
    if (sum >= top_p * whole) return i + 1;
  }
  return descending.length;
}

function* above(
  logits: Float32Array,
  threshold: number,
  ties: number,
): Generator<number> {
  let left = ties;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!;
    if (logit > threshold || logit === threshold && left-- > 0) yield id;
  }
}
