/**
 * A sampler that does what a generation_config.json asks of the logits before it chooses. It takes
 * logits alone, so a device can neither draw nor choose for it.
 */
import {
  type LogitsProcessor,
  logitsProcessors,
  type Progress,
} from "./logits_processors.ts";
import {
  filterLogits,
  type ProbabilityFilter,
  probabilityFilters,
} from "./probability_filters.ts";
import { createSampler, type Sampler, type Sampling } from "./sampler.ts";

/** What happens to logits before a token is chosen. */
export interface Processing {
  /** What changes the logits, in this order. */
  readonly processors: readonly LogitsProcessor[];
  /** Where tokens are drawn, those that leave out unlikely ones. */
  readonly filters: readonly ProbabilityFilter[];
}

/** The processing that a parsed generation_config.json asks for. */
export function processingOf(
  config: Readonly<Record<string, unknown>> = {},
): Processing {
  return {
    processors: logitsProcessors(config),
    filters: probabilityFilters(config),
  };
}

/**
 * Makes a sampler; without processing it is that of `createSampler()`.
 *
 * @param progress what is known of the answer when a token is chosen; the caller lets it grow
 */
export function createProcessedSampler(
  sampling: Sampling,
  seed: number,
  { processors, filters }: Processing,
  progress: Progress,
): Sampler {
  const drawn = sampling.temperature > 0 ? filters : [];
  if (processors.length === 0 && drawn.length === 0) {
    return createSampler(sampling, seed);
  }
  const choose = createSampler(
    drawn.length > 0 ? { temperature: 1, top_k: 0, top_p: 1 } : sampling,
    seed,
  );
  return (logits) => {
    const changed = logits.slice();
    for (const process of processors) process(changed, progress);
    return choose(
      drawn.length > 0 ? filterLogits(changed, sampling, drawn) : changed,
    );
  };
}
