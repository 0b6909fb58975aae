/**
 * Finds the next token of several answers by their samplers. Where all of them draw at one
 * temperature, the device makes the probabilities; otherwise the samplers get the logits. Knows no
 * text and no end of an answer.
 */
import type { KvCache } from "../model/decoder/kv_cache.ts";
import { type Addition, nextLogits } from "../model/decoder/logits.ts";
import type { Model } from "../model/decoder/model.ts";
import { nextProbabilities } from "../model/decoder/probabilities.ts";
import type { Drawing } from "./drawing.ts";
import type { Sampler } from "./sampler.ts";

/** The tokens that an answer got last, and the sampler of the token after them. */
export interface Asking extends Addition {
  readonly sampler: Sampler;
}

/**
 * Runs the last tokens of several answers, appends them to the cache and chooses the next token of
 * each, `[asking]`.
 *
 * @throws {RangeError} if a sequence would exceed the capacity of the cache, or a logit is NaN
 * @throws {DOMException} the signal's reason, when it is aborted
 */
export async function nextTokens(
  model: Model,
  cache: KvCache,
  asking: readonly Asking[],
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<number[]> {
  const drawings = drawingsOf(asking);
  if (!drawings) {
    const rows = await nextLogits(model, cache, asking, { signal });
    return asking.map(({ sampler }, i) => sampler(rows[i]!));
  }
  const { temperature } = drawings[0]!;
  const tokens: number[] = [];
  for await (
    const { probabilities, logits } of nextProbabilities(
      model,
      cache,
      asking,
      { temperature, signal },
    )
  ) {
    const drawing = drawings[tokens.length]!;
    tokens.push(await drawing.draw(probabilities, logits));
  }
  return tokens;
}

/** How all of the answers draw, if all do at the same temperature. */
function drawingsOf(asking: readonly Asking[]): Drawing[] | undefined {
  const drawings = asking.flatMap(({ sampler }) => sampler.drawing ?? []);
  const [first] = drawings;
  const isOne = drawings.length === asking.length &&
    drawings.every(({ temperature }) => temperature === first!.temperature);
  return isOne ? drawings : undefined;
}
