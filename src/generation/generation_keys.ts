/**
 * The keys of generation_config.json: each is served, changes no token, or is named to the user
 * when it asks for something. The lists hold all keys of transformers 5.18.
 */
import { isFormed, PROCESSOR_KEYS } from "./logits_processors.ts";
import { FILTER_KEYS } from "./probability_filters.ts";

type Config = Readonly<Record<string, unknown>>;

const isNumber = (value: unknown) => typeof value === "number";
const isSize = (value: unknown) =>
  Number.isInteger(value) && value as number > 0;

/** Served keys that have no processor, each with the values that are taken. */
const SERVED: Readonly<Record<string, (value: unknown) => boolean>> = {
  do_sample: (value) => typeof value === "boolean",
  temperature: isNumber,
  top_k: isNumber,
  top_p: isNumber,
  max_new_tokens: isSize,
  max_length: isSize,
  eos_token_id: (value) => [value].flat().every((id) => Number.isInteger(id)),
  ...Object.fromEntries(FILTER_KEYS.map((key) => [key, isNumber])),
};

const isOneOf = (...idle: readonly unknown[]) => (value: unknown) =>
  idle.includes(value);

/** Keys that ask for other tokens, and whether a value of theirs does not. */
const NOT_SERVED: Readonly<Record<string, (value: unknown) => boolean>> = {
  // the other caches hold the same numbers
  cache_implementation: (value) => value !== "quantized",
  constraints: isOneOf(),
  diversity_penalty: isOneOf(0),
  dola_layers: isOneOf(),
  force_words_ids: isOneOf(),
  forced_decoder_ids: isOneOf(),
  guidance_scale: isOneOf(1),
  max_time: isOneOf(),
  num_beam_groups: isOneOf(1),
  num_beams: isOneOf(1),
  num_return_sequences: isOneOf(1),
  penalty_alpha: isOneOf(0),
  remove_invalid_values: isOneOf(false),
  stop_strings: isOneOf(),
  token_healing: isOneOf(false),
  top_h: isOneOf(1),
  watermarking_config: isOneOf(),
};

/**
 * Keys that change no token here: how the work is done, what a call returns, what counts beside
 * beams, an assistant or an encoder only.
 */
const HARMLESS: readonly string[] = [
  "assistant_confidence_threshold",
  "assistant_early_exit",
  "assistant_ensemble_weight",
  "assistant_lookbehind",
  "bos_token_id",
  "cache_config",
  "compile_config",
  "continuous_batching_config",
  "decoder_start_token_id",
  "disable_compile",
  "early_stopping",
  "is_assistant",
  "length_penalty",
  "low_memory",
  "max_cache_len",
  "max_matching_ngram_size",
  "num_assistant_tokens",
  "num_assistant_tokens_schedule",
  "output_attentions",
  "output_hidden_states",
  "output_logits",
  "output_scores",
  "pad_token_id",
  "prefill_chunk_size",
  "prompt_lookup_num_tokens",
  "renormalize_logits",
  "return_dict_in_generate",
  "speculation_type",
  "target_lookbehind",
  "transformers_version",
  "trust_remote_code",
  "use_cache",
  "use_mtp",
];

/** What is done with a key. */
export function classOf(
  key: string,
): "served" | "not served" | "harmless" | "not known" {
  if (Object.hasOwn(SERVED, key) || PROCESSOR_KEYS.includes(key)) {
    return "served";
  }
  if (Object.hasOwn(NOT_SERVED, key)) return "not served";
  return HARMLESS.includes(key) || key.startsWith("_")
    ? "harmless"
    : "not known";
}

/**
 * `num_beams 4`: each key of a generation_config.json that asks for what is not served, is not
 * known, or has a value of another form.
 */
export function leftOut(config: Config): string[] {
  const isLeft = ([key, value]: [string, unknown]) => {
    if (value === null || value === undefined) return false;
    switch (classOf(key)) {
      case "served":
        return !(SERVED[key]?.(value) ?? isFormed(key, value));
      case "not served":
        return !NOT_SERVED[key]!(value);
      case "harmless":
        return false;
      case "not known":
        return true;
    }
  };
  return Object.entries(config).filter(isLeft)
    .map(([key, value]) => `${key} ${JSON.stringify(value)}`);
}
