/**
 * Tokens after tokens: runs a prompt through a model once, then each new token alone, with the keys and values of
 * all before it kept on the device. One row of logits comes back per step. Knows no text.
 */
import { turnGiver } from "../base/turn_giver.ts";
import {
  createKvCache,
  type KvCache,
  releaseKvCache,
} from "../model/kv_cache.ts";
import { nextLogits } from "../model/logits.ts";
import type { Model } from "../model/model.ts";
import type { Sampler } from "./sampler.ts";

/** How to go on from prompts. */
export interface GenerateOptions {
  /** Tokens that end an answer; default none. */
  readonly stopIds?: ReadonlySet<number>;
  /** Whether adapters take part; default true. */
  readonly adapters?: boolean;
  /** Ends it with an error once it is aborted, within a token. */
  readonly signal?: AbortSignal | undefined;
}

/** A prompt, and who draws what follows it. */
export interface Prompted {
  readonly promptIds: readonly number[];
  /** Most tokens to make; prompt and these must fit in `max_position_embeddings`. */
  readonly maxNewTokens: number;
  /** Takes the next token. */
  readonly sampler: Sampler;
  /** Told each token as it comes, the end token excepted. */
  readonly onToken?: (id: number) => void;
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
  { sampler, onToken, maxNewTokens, ...options }:
    & GenerateOptions
    & Omit<Prompted, "promptIds">,
): Promise<Generated> {
  const prompted = {
    promptIds,
    maxNewTokens,
    sampler,
    ...(onToken && { onToken }),
  };
  const [generated] = await generateAll(model, [prompted], options);
  return generated!;
}

/**
 * Continues several prompts side by side: one pass per new token serves all of them. Each gets the tokens that it
 * would get alone, but for the rounding of sums.
 *
 * @throws as `generate()`
 */
export async function generateAll(
  model: Model,
  prompts: readonly Prompted[],
  options: GenerateOptions = {},
): Promise<Generated[]> {
  for (const prompt of prompts) checkPrompt(model, prompt);
  const capacity = Math.max(
    0,
    ...prompts.map(({ promptIds, maxNewTokens }) =>
      promptIds.length + maxNewTokens
    ),
  );
  const cache = createKvCache(model, capacity, prompts.length);
  try {
    return await run(model, cache, prompts, options);
  } finally {
    releaseKvCache(model.device, cache);
  }
}

/** An answer while it grows. */
interface Growing extends Prompted {
  readonly sequence: number;
  readonly ids: number[];
  endId: number | undefined;
}

async function run(
  model: Model,
  cache: KvCache,
  prompts: readonly Prompted[],
  options: GenerateOptions,
): Promise<Generated[]> {
  const { adapters = true, signal } = options;
  const giveTurn = turnGiver();
  const all: Growing[] = prompts.map((prompt, sequence) => ({
    ...{ ...prompt, sequence },
    ...{ ids: [], endId: undefined },
  }));
  let growing = all.filter(({ maxNewTokens }) => maxNewTokens > 0);
  while (growing.length > 0) {
    signal?.throwIfAborted();
    const additions = growing.map(({ sequence, ids, promptIds }) => ({
      sequence,
      tokens: ids.length === 0 ? promptIds : ids.slice(-1),
    }));
    const rows = await nextLogits(model, cache, additions, {
      adapters,
      signal,
    });
    growing = growing.filter((one, i) => takeToken(one, rows[i]!, options));
    await giveTurn();
  }
  return all.map(({ ids, endId }) => ({ ids, endId }));
}

/** Draws an answer's next token; false if it ends there. */
function takeToken(
  one: Growing,
  logits: Float32Array,
  { stopIds }: GenerateOptions,
): boolean {
  const id = one.sampler(logits);
  if (stopIds?.has(id)) {
    one.endId = id;
    return false;
  }
  one.ids.push(id);
  one.onToken?.(id);
  return one.ids.length < one.maxNewTokens;
}

function checkPrompt(
  { config }: Model,
  { promptIds, maxNewTokens }: Prompted,
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
