/** The defaults of sampling, which come from the model's generation_config.json. Pure. */
import { GREEDY, type Sampling } from "./sampler.ts";

/** What the user set; null leaves a number to the model. */
export type WantedSampling = {
  readonly [K in keyof Sampling]: Sampling[K] | null;
};

/**
 * Fills in what the user did not set from a parsed generation_config.json, or else with no limits
 * and temperature 1. If the file says `do_sample: false`, the model answers with its likeliest
 * tokens, unless the user sets any of the three numbers.
 */
export function fillSampling(
  wanted: WantedSampling,
  generationConfig: Readonly<Record<string, unknown>> = {},
): Sampling {
  // the caller may hand over all options of a task
  const { temperature, top_k, top_p } = wanted;
  const isSet = [temperature, top_k, top_p].some((value) => value !== null);
  const samples = generationConfig["do_sample"] !== false;
  if (!isSet && !samples) return GREEDY;
  const fallback = (key: keyof Sampling, otherwise: number) => {
    const value = generationConfig[key];
    return samples && typeof value === "number" ? value : otherwise;
  };
  return {
    temperature: temperature ?? fallback("temperature", 1),
    top_k: top_k ?? fallback("top_k", 0),
    top_p: top_p ?? fallback("top_p", 1),
  };
}
