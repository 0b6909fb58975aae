/**
 * Generates tokens. It runs each prompt through the model once, then each new token alone, with the
 * keys and values of all earlier tokens kept on the device. If every answer takes the likeliest
 * token, that token is found on the device, and the next step begins before the CPU knows it;
 * otherwise one row of probabilities or logits per answer is read back. Knows no text.
 */
import { turnGiver } from "../base/turn_giver.ts";
import {
  createKvCache,
  type KvCache,
  releaseKvCache,
} from "../model/decoder/kv_cache.ts";
import { logitRows } from "../model/decoder/logits.ts";
import {
  beginGreedyStep,
  type GreedyStep,
  readGreedyStep,
  releaseGreedyStep,
} from "../model/decoder/greedy_step.ts";
import type { Model } from "../model/decoder/model.ts";
import { nextTokens } from "./next_tokens.ts";
import { likeliest, type Sampler } from "./sampler.ts";

/** A prompt, the sampler of the tokens after it, and the conditions that end the answer. */
export interface Prompted {
  readonly promptIds: readonly number[];
  /** Most new tokens; together with the prompt at most `max_position_embeddings`. */
  readonly maxNewTokens: number;
  /** Chooses the next token from logits. */
  readonly sampler: Sampler;
  /** Whether the adapter takes part; default true. */
  readonly adapters?: boolean;
  /** Ids of the tokens that end the answer; default none. */
  readonly stopIds?: ReadonlySet<number>;
  /** Called with each new token except the end token. */
  readonly onToken?: (id: number) => void;
  /** Called when the answer is complete. */
  readonly onEnd?: () => void;
}

/** An answer that is not complete. */
interface Growing extends Prompted {
  /** Index of its sequence in the cache. */
  readonly sequence: number;
  readonly ids: number[];
  endId: number | undefined;
}

/** How tokens are generated. */
export interface GenerateOptions {
  /** Stops with an error within one token after it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** The result for a prompt. */
export interface Generated {
  /** The new tokens, without the end token. */
  readonly ids: readonly number[];
  /** The token that ended the answer; undefined if `maxNewTokens` did. */
  readonly endId: number | undefined;
}

/**
 * Continues a prompt.
 *
 * @throws {RangeError} if the prompt is empty, has a token outside the vocabulary, or does not fit
 *   with the answer into the model's positions
 * @throws {DOMException} the signal's reason, when it is aborted
 */
export async function generate(
  model: Model,
  promptIds: readonly number[],
  { signal, ...prompted }: GenerateOptions & Omit<Prompted, "promptIds">,
): Promise<Generated> {
  const [generated] = await generateAll(model, [{ promptIds, ...prompted }], {
    signal,
  });
  return generated!;
}

/**
 * Continues several prompts side by side: one pass per new token serves all of them, with and
 * without adapters. Each gets the tokens that it would get alone, except for the rounding of sums.
 *
 * @throws as `generate()`
 */
export async function generateAll(
  model: Model,
  prompts: readonly Prompted[],
  { signal }: GenerateOptions = {},
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
    return await run(model, cache, prompts, signal);
  } finally {
    releaseKvCache(model.device, cache);
  }
}

async function run(
  model: Model,
  cache: KvCache,
  prompts: readonly Prompted[],
  signal: AbortSignal | undefined,
): Promise<Generated[]> {
  const giveTurn = turnGiver();
  const all: Growing[] = prompts.map((prompt, sequence) => ({
    ...prompt,
    sequence,
    ids: [],
    endId: undefined,
  }));
  let growing = all.filter(({ maxNewTokens }) => maxNewTokens > 0);
  let isFirst = true;
  while (growing.length > 0) {
    signal?.throwIfAborted();
    growing = !isFirst && areGreedy(model, growing)
      ? await growGreedily(model, cache, growing, signal)
      : await growOnce(model, cache, growing, signal);
    isFirst = false;
    await giveTurn();
  }
  return all.map(({ ids, endId }) => ({ ids, endId }));
}

function areGreedy(model: Model, growing: readonly Growing[]): boolean {
  return growing.length <= logitRows(model) &&
    growing.every(({ sampler }) => sampler === likeliest);
}

/** Runs the prompts, or the last token of each answer, and draws the next token of each. */
async function growOnce(
  model: Model,
  cache: KvCache,
  growing: readonly Growing[],
  signal: AbortSignal | undefined,
): Promise<Growing[]> {
  const asking = growing.map((
    { sequence, ids, promptIds, adapters, sampler },
  ) => ({
    sequence,
    adapters,
    sampler,
    tokens: ids.length === 0 ? promptIds : ids.slice(-1),
  }));
  const drawn = await nextTokens(model, cache, asking, { signal });
  return growing.filter((one, i) => takeToken(one, drawn[i]!));
}

/**
 * Adds likeliest tokens to all answers until one of them ends. Each step begins before the tokens
 * of the last one are on the CPU, since reading takes 10 ms in which the device would be idle.
 *
 * @param growing answers that have at least one token
 * @returns the answers that have not ended
 * @throws {RangeError} if a logit is NaN or the largest is infinite
 */
async function growGreedily(
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

/** Adds the next token of an answer; false if the answer ends with it. */
function takeToken(one: Growing, id: number): boolean {
  if (one.stopIds?.has(id)) one.endId = id;
  else {
    one.ids.push(id);
    one.onToken?.(id);
  }
  const goesOn = one.endId === undefined && one.ids.length < one.maxNewTokens;
  if (!goesOn) one.onEnd?.();
  return goesOn;
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
