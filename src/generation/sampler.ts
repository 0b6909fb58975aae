/**
 * Chooses the next token from logits: temperature, top_k and top_p, in this order as in
 * transformers, in float64. The same seed and logits give the same tokens. Knows neither model nor
 * tokenizer.
 */
import { Random } from "../base/random.ts";
import { findCandidates, type Row, walkTo } from "./candidates.ts";
import { createDrawing, type Drawing } from "./drawing.ts";

/** How tokens are drawn. Names are those of generation_config.json. */
export interface Sampling {
  /** Divides the logits; 0 takes the likeliest token. 0 to 2 is usual. */
  readonly temperature: number;
  /**
   * Draws among this number of the likeliest tokens, and those as likely as the last of them; 0 is
   * no limit.
   */
  readonly top_k: number;
  /**
   * Draws among the likeliest tokens that together have this probability, 0 to 1; 1 is no limit.
   */
  readonly top_p: number;
}

/** Chooses the next token by its logits `[vocab_size]`. */
export interface Sampler {
  (logits: Float32Array): number;
  /** Present if the token can be drawn by probabilities, which a device makes of the logits. */
  readonly drawing?: Drawing;
}

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
  const byLogits = (logits: Float32Array, point: number) =>
    drawByLogits(logits, sampling, point);
  return Object.assign(
    (logits: Float32Array) => byLogits(logits, random.float()),
    { drawing: createDrawing(sampling, () => random.float(), byLogits) },
  );
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

/** The token at which the running sum of the exact probabilities passes `point`, 0 to 1. */
function drawByLogits(
  logits: Float32Array,
  { temperature, ...limits }: Sampling,
  point: number,
): number {
  const most = logits[likeliest(logits)]!;
  const row: Row = {
    values: logits,
    weigh: (logit) => Math.exp((logit - most) / temperature),
    bounds: [most - 8 * temperature, most - 16 * temperature, -Infinity],
  };
  return walkTo(point, row, findCandidates(row, limits)).id;
}
