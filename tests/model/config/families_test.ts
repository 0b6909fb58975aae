import { assert, assertEquals, assertThrows } from "@std/assert";
import { FAMILIES } from "../../../src/model/config/families.ts";
import { weightLayouts } from "../../../src/model/weights/weight_layout.ts";
import { readModelConfig } from "../../../src/model/config/config.ts";
import { familyConfig, type Json } from "../config_case.ts";
import { test } from "../../test_case.ts";

const checks = { sanitizeOps: true, sanitizeResources: true } as const;

for (const name of Object.keys(FAMILIES)) {
  test(`family ${name} names each of its tensors once`, {
    ...checks,
    permissions: "none",
  }, () => {
    const names = weightLayouts(readModelConfig(familyConfig(name)))
      .map(({ name }) => name);
    assert(new Set(names).size === names.length, names.join());
    assert(names.some((name) => name.includes("layers.2.")));
  });
}

/** Values that no family serves, and what is said of them. */
const ODD: readonly (readonly [key: string, value: unknown, said: string])[] = [
  ["mystery", 1, '"mystery" (1) is not known'],
  ["hidden_act", "swiglu", '"hidden_act" is "swiglu", expected one of'],
  ["quantization_config", { bits: 4 }, '"quantization_config" is {"bits":4}'],
  ["is_encoder_decoder", true, '"is_encoder_decoder" is true'],
  ["clip_qkv", 8, '"clip_qkv" is 8, only null is served'],
  ["router_jitter_noise", 0.1, '"router_jitter_noise" is 0.1'],
  ["lm_head_bias", true, '"lm_head_bias" is true'],
  ["rope_interleaved", true, '"rope_interleaved" is true'],
  ["use_mrope", true, '"use_mrope" is true'],
  ["num_hidden_layers", 2.5, '"num_hidden_layers" is 2.5'],
  ["vocab_size", 0, '"vocab_size" is 0, expected a positive integer'],
  ["rms_norm_eps", "small", '"rms_norm_eps" is "small", expected a number'],
  ["tie_word_embeddings", "yes", '"tie_word_embeddings" is "yes"'],
  ["rope_scaling", { rope_type: "ntk" }, 'rope_type "ntk" is not served'],
  ["layer_types", ["chunked"], '"layer_types" has 1 entries, expected 3'],
];

for (const [name, { part, experts, activation }] of Object.entries(FAMILIES)) {
  test(`family ${name} stops at each key that it does not serve`, {
    ...checks,
    permissions: "none",
  }, () => {
    const base = familyConfig(name);
    const changed = (changes: Json): Json => {
      if (!part) return { ...base, ...changes };
      const inner = base[part.key] as Json;
      return { ...base, [part.key]: { ...inner, ...changes } };
    };
    readModelConfig(base);
    // Gemma 2 and 3 read another key
    const odd = activation?.[0] === "hidden_activation"
      ? ODD.filter(([key]) => key !== "hidden_act")
      : ODD;
    for (const [key, value, said] of odd) {
      const read = () => readModelConfig(changed({ [key]: value }));
      assertThrows(read, TypeError, said);
    }
    const all = Object.fromEntries(odd.slice(0, 6));
    const { message } = assertThrows(
      () => readModelConfig(changed(all)),
      TypeError,
    );
    for (const [, , said] of odd.slice(0, 6)) assert(message.includes(said));
    if (experts) {
      const few = () => readModelConfig(changed({ num_experts_per_tok: 5 }));
      assertThrows(few, TypeError, "expected at most the 4 experts");
    }
  });
}

test("readModelConfig() names a text half that is another model's", {
  ...checks,
  permissions: "none",
}, () => {
  const config = familyConfig("mistral3");
  const other = { ...config["text_config"] as Json, model_type: "qwen2" };
  for (const text_config of [other, undefined]) {
    assertThrows(
      () => readModelConfig({ ...config, text_config }),
      TypeError,
      `"text_config" is a model of type ${
        text_config ? '"qwen2"' : undefined
      }, expected "mistral" or "ministral3"`,
    );
  }
});

test("readModelConfig() takes what a family's config leaves out", {
  ...checks,
  permissions: "none",
}, () => {
  // Gemma 3's smaller files say no more than this
  const gemma = readModelConfig({
    model_type: "gemma3",
    image_token_index: 262_144,
    text_config: {
      model_type: "gemma3_text",
      hidden_size: 2560,
      intermediate_size: 10_240,
      num_hidden_layers: 34,
      rope_scaling: { factor: 8, rope_type: "linear" },
      sliding_window: 1024,
    },
    vision_config: { model_type: "siglip_vision_model" },
  });
  const { ropes: { full, sliding }, windows } = gemma;
  assertEquals(
    [gemma.head_dim, gemma.num_attention_heads, gemma.vocab_size],
    [256, 8, 262_208],
  );
  assertEquals([windows[4], windows[5]], [1024, undefined]);
  assertEquals(full.inverseFrequencies[64], 1e6 ** -0.5 / 8);
  assertEquals(sliding.inverseFrequencies[64], 0.01);
  assert(gemma.tie_word_embeddings);
});
