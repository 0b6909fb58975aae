/**
 * What answers are by default: the model's generation_config.json, read as transformers' generate()
 * reads it. Pure.
 */
import type { Manner } from "./answer.ts";
import { GREEDY, type Sampling } from "./sampler.ts";

/** What the user set; null leaves a number to the model. */
export type WantedSampling = {
  readonly [K in keyof Sampling]: Sampling[K] | null;
};

/** transformers' limit for a file that says nothing of it. */
const USUAL_TOP_K = 50;

/**
 * Fills in what the user did not set from a parsed generation_config.json. Unless the file says
 * `do_sample: true`, the model answers with its likeliest tokens, as in transformers; a user who
 * sets any of the three numbers asks for a draw.
 */
export function fillSampling(
  wanted: WantedSampling,
  generationConfig: Readonly<Record<string, unknown>> = {},
): Sampling {
  // the caller may hand over all options of a task
  const { temperature, top_k, top_p } = wanted;
  const isSet = [temperature, top_k, top_p].some((value) => value !== null);
  const samples = generationConfig["do_sample"] === true;
  if (!isSet && !samples) return GREEDY;
  const fallback = (key: keyof Sampling, otherwise: number) =>
    numberOf(generationConfig, key) ?? otherwise;
  return {
    temperature: temperature ?? fallback("temperature", 1),
    top_k: top_k ?? fallback("top_k", USUAL_TOP_K),
    top_p: top_p ?? fallback("top_p", 1),
  };
}

/**
 * How long answers may be by a parsed generation_config.json: `max_new_tokens` wins over
 * `max_length`, which counts prompt and answer.
 */
export function lengthDefaults(
  generationConfig: Readonly<Record<string, unknown>>,
): Pick<Manner, "usualNewTokens" | "maxLength"> {
  const count = (key: string) => {
    const value = numberOf(generationConfig, key);
    return Number.isInteger(value) && value! > 0 ? value : undefined;
  };
  const usualNewTokens = count("max_new_tokens");
  const maxLength = usualNewTokens === undefined
    ? count("max_length")
    : undefined;
  return { usualNewTokens, maxLength };
}

function numberOf(
  config: Readonly<Record<string, unknown>>,
  key: string,
): number | undefined {
  const value = config[key];
  return typeof value === "number" ? value : undefined;
}
