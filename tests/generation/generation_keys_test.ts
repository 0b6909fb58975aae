/** Every key of transformers 5.18's GenerationConfig is served, changes no token, or is named. */
import { assert, assertEquals } from "@std/assert";
import { classOf, leftOut } from "../../src/generation/generation_keys.ts";
import { processingOf } from "../../src/generation/processed_sampler.ts";
import {
  fillSampling,
  lengthDefaults,
} from "../../src/generation/sampling_defaults.ts";
import { stopTokens } from "../../src/generation/stop_tokens.ts";
import type { Tokenizer } from "../../src/text/tokenizer.ts";
import keys from "../fixtures/generation_config_keys.json" with {
  type: "json",
};
import { test } from "../test_case.ts";

/** All keys of `GenerationConfig().to_dict()`, each with a value that asks for it. */
const KEYS: Readonly<Record<string, unknown>> = keys;

/** What a file makes of an answer. */
function effect(config: Readonly<Record<string, unknown>>): unknown {
  const none = { temperature: null, top_k: null, top_p: null };
  const { processors, filters } = processingOf(config);
  return {
    counts: [processors.length, filters.length],
    sampling: fillSampling(none, { do_sample: true, ...config }),
    lengths: lengthDefaults(config),
    stops: [...stopTokens({
      generationConfig: config,
      config: {},
      tokenizer: {} as Tokenizer,
    })],
  };
}

test("each key of generation_config.json is served, harmless or named", () => {
  assertEquals(Object.keys(KEYS).length, 73);
  const idle = JSON.stringify(effect({}));
  for (const [key, value] of Object.entries(KEYS)) {
    const isServed = JSON.stringify(effect({ [key]: value })) !== idle;
    const named = leftOut({ [key]: value });
    const kind = classOf(key);
    assertEquals(isServed, kind === "served", key);
    assertEquals(named.length, kind === "not served" ? 1 : 0, key);
    assert(kind !== "not known", key);
    assertEquals(leftOut({ [key]: null }), [], key);
  }
});

test("leftOut() names what chooses other tokens, keys of others, and nothing idle", () => {
  const idle = {
    num_beams: 1,
    penalty_alpha: null,
    top_k: 3,
    min_p: 0.1,
    cache_implementation: "static",
    _from_model_config: true,
  };
  assertEquals(leftOut(idle), []);
  const asked = {
    ...idle,
    num_beams: 4,
    cache_implementation: "quantized",
    presence_penalty: 1.5,
  };
  assertEquals(leftOut(asked), [
    "num_beams 4",
    'cache_implementation "quantized"',
    "presence_penalty 1.5",
  ]);
});

test("lengthDefaults() lets max_new_tokens win over max_length", () => {
  const both = { max_new_tokens: 8, max_length: 20 };
  assertEquals(lengthDefaults(both).usualNewTokens, 8);
  assertEquals(lengthDefaults(both).maxLength, undefined);
  assertEquals(lengthDefaults({ max_length: 20 }).maxLength, 20);
});
