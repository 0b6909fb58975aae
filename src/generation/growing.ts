/** An answer while it grows, token by token. Knows no model. */
import type { Sampler } from "./sampler.ts";

/** A prompt, who draws what follows it, and where that ends. */
export interface Prompted {
  readonly promptIds: readonly number[];
  /** Most tokens to make; prompt and these must fit in `max_position_embeddings`. */
  readonly maxNewTokens: number;
  /** Takes the next token. */
  readonly sampler: Sampler;
  /** Whether adapters take part; default true. */
  readonly adapters?: boolean;
  /** Tokens that end the answer; default none. */
  readonly stopIds?: ReadonlySet<number>;
  /** Told each token as it comes, the end token excepted. */
  readonly onToken?: (id: number) => void;
  /** Told that no more tokens come. */
  readonly onEnd?: () => void;
}

/** An answer while it grows. */
export interface Growing extends Prompted {
  /** Its number in the cache. */
  readonly sequence: number;
  readonly ids: number[];
  endId: number | undefined;
}

/** Adds an answer's next token; false if the answer ends there. */
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
