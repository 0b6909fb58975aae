/**
 * Tokens after tokens: runs a prompt through a model once, then each new token alone, with the keys and values of
 * all before it kept on the device. One row of logits comes back per step. Knows no text.
 */
import {
  createKvCache,
  type KvCache,
  releaseKvCache,
} from "../model/kv_cache.ts";
import { nextLogits } from "../model/logits.ts";
import type { Model } from "../model/model.ts";
import type { Sampler } from "./sampler.ts";

/** How to go on from a prompt. */
export interface GenerateOptions {
  /** Most tokens to make; prompt and these must fit in `max_position_embeddings`. */
  readonly maxNewTokens: number;
  readonly sampler: Sampler;
  /** Tokens that end the answer; default none. */
  readonly stopIds?: ReadonlySet<number>;
  /** Whether adapters take part; default true. */
  readonly adapters?: boolean;
  /** Told each token as it comes, the end token excepted. */
  readonly onToken?: (id: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What a model made of a prompt. */
export interface Generated {
  /** New tokens, without the end token. */
  readonly ids: readonly number[];
  /** The token that ended the answer; undefined if `maxNewTokens` did. */
  readonly endId: number | undefined;
}

/**
 * Continues a prompt.
 *
 * @throws {RangeError} if the prompt is empty, has a token that the model has not, or does not fit with the answer
 * @throws {DOMException} the signal's reason, once it is aborted
 */
export async function generate(
  model: Model,
  promptIds: readonly number[],
  options: GenerateOptions,
): Promise<Generated> {
  checkPrompt(model, promptIds, options.maxNewTokens);
  const capacity = promptIds.length + options.maxNewTokens;
  const cache = createKvCache(model, capacity);
  try {
    return await run(model, cache, promptIds, options);
  } finally {
    releaseKvCache(model.device, cache);
  }
}

async function run(
  model: Model,
  cache: KvCache,
  promptIds: readonly number[],
  options: GenerateOptions,
): Promise<Generated> {
  const { maxNewTokens, sampler, stopIds, onToken, signal } = options;
  const { adapters = true } = options;
  const giveTurn = turnGiver();
  const ids: number[] = [];
  let fresh = promptIds;
  while (ids.length < maxNewTokens) {
    signal?.throwIfAborted();
    const logits = await nextLogits(model, cache, fresh, { adapters, signal });
    const id = sampler(logits);
    if (stopIds?.has(id)) return { ids, endId: id };
    ids.push(id);
    onToken?.(id);
    fresh = [id];
    await giveTurn();
  }
  return { ids, endId: undefined };
}

/** Reading from the device holds the thread: now and then signals and timers get a turn. */
function turnGiver(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < 50) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    last = performance.now();
  };
}

function checkPrompt(
  { config }: Model,
  promptIds: readonly number[],
  maxNewTokens: number,
): void {
  const { max_position_embeddings, vocab_size } = config;
  if (promptIds.length === 0) {
    throw new RangeError("Cannot generate: the prompt has no token");
  }
  const foreign = promptIds.find((id) => !(id >= 0 && id < vocab_size));
  if (foreign !== undefined) {
    throw new RangeError(
      `Cannot generate: the prompt has token ${foreign}, the model's vocab_size is ${vocab_size}`,
    );
  }
  if (promptIds.length + maxNewTokens <= max_position_embeddings) return;
  throw new RangeError(
    `Cannot generate: a prompt of ${promptIds.length} tokens and ${maxNewTokens} new ones pass the model's max_position_embeddings ${max_position_embeddings}`,
  );
}
