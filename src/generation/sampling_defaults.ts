/**
 * How an answer is drawn where the user does not say: as the model's generation_config.json has it.
 * Pure.
 */
import { GREEDY, type Sampling } from "./sampler.ts";

/** What the user said; null leaves it to the model. */
export type WantedSampling = {
  readonly [K in keyof Sampling]: Sampling[K] | null;
};

/**
 * Fills in what is left open from a parsed generation_config.json, else no limit and temperature 1.
 * A model that says `do_sample: false` answers with its likeliest tokens unless the user names any
 * of the three.
 */
export function fillSampling(
  wanted: WantedSampling,
  generationConfig: Readonly<Record<string, unknown>> = {},
): Sampling {
  const said = Object.values(wanted).some((value) => value !== null);
  const samples = generationConfig["do_sample"] !== false;
  if (!said && !samples) return GREEDY;
  const fallback = (key: keyof Sampling, otherwise: number) => {
    const value = generationConfig[key];
    return samples && typeof value === "number" ? value : otherwise;
  };
  return {
    temperature: wanted.temperature ?? fallback("temperature", 1),
    top_k: wanted.top_k ?? fallback("top_k", 0),
    top_p: wanted.top_p ?? fallback("top_p", 1),
  };
}
