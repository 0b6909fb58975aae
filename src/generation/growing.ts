/** An answer that grows token by token. Knows no model. */
import type { Sampler } from "./sampler.ts";

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
export interface Growing extends Prompted {
  /** Index of its sequence in the cache. */
  readonly sequence: number;
  readonly ids: number[];
  endId: number | undefined;
}

/** Adds the next token of an answer; false if the answer ends with it. */
export function takeToken(one: Growing, id: number): boolean {
  if (one.stopIds?.has(id)) one.endId = id;
  else {
    one.ids.push(id);
    one.onToken?.(id);
  }
  const goesOn = one.endId === undefined && one.ids.length < one.maxNewTokens;
  if (!goesOn) one.onEnd?.();
  return goesOn;
}
