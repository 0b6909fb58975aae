/**
 * Grows answers by their likeliest tokens. Each step begins before the tokens of the last one are
 * on the CPU, since reading takes 10 ms in which the device would be idle. Knows no text.
 */
import { turnGiver } from "../base/turn_giver.ts";
import {
  beginGreedyStep,
  type GreedyStep,
  readGreedyStep,
  releaseGreedyStep,
} from "../model/decoder/greedy_step.ts";
import type { KvCache } from "../model/decoder/kv_cache.ts";
import type { Model } from "../model/decoder/model.ts";
import { type Growing, takeToken } from "./growing.ts";

/**
 * Adds likeliest tokens to all answers until one of them ends.
 *
 * @param growing answers that have at least one token
 * @returns the answers that have not ended
 * @throws {RangeError} if a logit is NaN or the largest is infinite
 */
export async function growGreedily(
  model: Model,
  cache: KvCache,
  growing: readonly Growing[],
  signal: AbortSignal | undefined,
): Promise<Growing[]> {
  const giveTurn = turnGiver();
  const begin = (tokens: readonly number[] | GreedyStep) =>
    beginGreedyStep(model, cache, growing, tokens);
  // in fewer steps no answer reaches its largest number of tokens
  const steps = Math.min(
    ...growing.map(({ ids, maxNewTokens }) => maxNewTokens - ids.length),
  );
  let still = [...growing];
  let step = begin(growing.map(({ ids }) => ids.at(-1)!));
  let next: GreedyStep | undefined;
  try {
    for (let n = 1;; n++) {
      signal?.throwIfAborted();
      const reading = readGreedyStep(model, step);
      const goesOn = n < steps && still.length === growing.length;
      next = goesOn ? begin(step) : undefined;
      const drawn = await reading;
      // the next step may already contain an answer that ends now; its token is ignored
      still = still.filter((one) =>
        takeToken(one, drawn[growing.indexOf(one)]!)
      );
      if (!next || still.length === 0) return still;
      releaseGreedyStep(model, step);
      [step, next] = [next, undefined];
      await giveTurn();
    }
  } finally {
    releaseGreedyStep(model, step);
    if (next) releaseGreedyStep(model, next);
  }
}
