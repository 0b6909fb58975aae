import { assert, assertEquals, assertThrows } from "@std/assert";
import { readModelConfig } from "../../../src/model/config/config.ts";
import { type Json, QWEN2 } from "../config_case.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const read = (changes: Json = {}) => readModelConfig({ ...QWEN2, ...changes });
test(
  "readModelConfig() takes sizes from the config and derives the rest",
  pure,
  () => {
    const config = read();
    assertEquals([config.head_dim, config.activation], [4, "silu"]);
    assertEquals([config.qkvBias, config.outputBias, config.family.qkNorm], [
      true,
      false,
      "none",
    ]);
    assertEquals(config.windows, [undefined, undefined, undefined]);
    assertEquals(read({ head_dim: 6 }).head_dim, 6);
    assertEquals(read({ model_type: "llama" }).qkvBias, false);
    assertEquals(
      read({ model_type: "llama", attention_bias: true }).outputBias,
      true,
    );
    assertEquals(read({ model_type: "qwen3" }).family.qkNorm, "head");
  },
);

test(
  "readModelConfig() names an unknown model_type and those it knows",
  pure,
  () => {
    for (const model_type of ["mamba", undefined]) {
      assertThrows(
        () => read({ model_type }),
        TypeError,
        `Cannot load model: model_type "${model_type}" in config.json is not known, expected one of apertus, cohere, cohere2, ernie4_5,`,
      );
    }
  },
);

test(
  "readModelConfig() names all that is unknown, missing or not served at once",
  pure,
  () => {
    const { message } = assertThrows(() =>
      read({
        query_norm: 50,
        clip_qkv: 8,
        logit_scale: 2,
        is_encoder_decoder: true,
        hidden_size: undefined,
        hidden_act: "swiglu",
        num_key_value_heads: 3,
        vocab_size: "20",
        tie_word_embeddings: 1,
      }), TypeError);
    for (
      const part of [
        '"query_norm" (50) is not known',
        '"clip_qkv" is 8, only null is served',
        '"logit_scale" is 2, only 1 or null is served',
        '"is_encoder_decoder" is true, only false is served',
        '"hidden_size" is undefined, expected a positive integer',
        '"hidden_act" is "swiglu", expected one of silu',
        '"num_attention_heads" is 2, expected a multiple of "num_key_value_heads" 3',
        '"vocab_size" is "20", expected a positive integer',
        '"tie_word_embeddings" is 1, expected true or false',
      ]
    ) assert(message.includes(part), `${part} in ${message}`);
  },
);

test(
  "readModelConfig() passes over keys that change nothing",
  pure,
  () => {
    read({
      architectures: ["Qwen2ForCausalLM"],
      attention_dropout: 0.1,
      torch_dtype: "bfloat16",
      transformers_version: "4.46.0",
      use_cache: true,
      pad_token_id: null,
    });
  },
);

test(
  "readModelConfig() gives windows to the layers that each family slides",
  pure,
  () => {
    const windows = (changes: Json) =>
      read({ sliding_window: 7, ...changes }).windows;
    const none = [undefined, undefined, undefined];
    assertEquals(windows({ model_type: "mistral" }), [7, 7, 7]);
    assertEquals(
      windows({ model_type: "mistral", sliding_window: null }),
      none,
    );
    assertEquals(windows({ model_type: "llama" }), none);
    assertEquals(
      windows({ use_sliding_window: false, max_window_layers: 0 }),
      none,
    );
    assertEquals(windows({ use_sliding_window: true, max_window_layers: 2 }), [
      undefined,
      undefined,
      7,
    ]);
    assertEquals(
      windows({ use_sliding_window: true }),
      none,
      "max_window_layers is 28 where nothing is said",
    );
    const layer_types = [
      "sliding_attention",
      "full_attention",
      "sliding_attention",
    ];
    assertEquals(windows({ use_sliding_window: true, layer_types }), [
      7,
      undefined,
      7,
    ]);
    assertEquals(windows({ use_sliding_window: false, layer_types }), none);
  },
);

test(
  "readModelConfig() refuses layer_types and windows that do not fit",
  pure,
  () => {
    const { message } = assertThrows(() =>
      read({
        use_sliding_window: true,
        sliding_window: null,
        layer_types: ["full_attention", "chunked_attention"],
      }), TypeError);
    assert(message.includes('"layer_types" has 2 entries, expected 3'));
    assert(
      message.includes(
        '"layer_types" has "chunked_attention", only full_attention and sliding_attention are served',
      ),
    );
    assert(
      message.includes('"sliding_window" is null, expected a positive integer'),
      message,
    );
  },
);

test(
  "readModelConfig() gives each layer its window and its rotation",
  pure,
  () => {
    const gemma = read({
      model_type: "gemma3_text",
      head_dim: 4,
      sliding_window: 5,
      sliding_window_pattern: 3,
      rope_theta: 1e6,
      rope_local_base_freq: 1e4,
    });
    assertEquals(gemma.windows, [5, 5, undefined]);
    assertEquals(gemma.layerRopes, ["sliding", "sliding", "full"]);
    assertEquals(gemma.ropes.sliding.inverseFrequencies[1], 0.01);
    assertEquals(gemma.ropes.full.inverseFrequencies[1], 0.001);
    const smollm = read({ model_type: "smollm3", no_rope_layers: [1, 0, 1] });
    assertEquals(smollm.layerRopes, ["full", undefined, "full"]);
    const exaone = read({
      model_type: "exaone4",
      sliding_window: 5,
      sliding_window_pattern: "LLG",
    });
    assertEquals(exaone.layerRopes, ["sliding", "sliding", undefined]);
  },
);

test("readModelConfig() reads the factors of a family", pure, () => {
  const granite = read({
    model_type: "granite",
    embedding_multiplier: 12,
    logits_scaling: 8,
    residual_multiplier: 0.25,
    attention_multiplier: 0.5,
  });
  assertEquals(granite.scales, {
    embedding: 12,
    residual: 0.25,
    attention: 0.5,
    logits: 1 / 8,
  });
  const gemma = read({ model_type: "gemma", head_dim: 4, hidden_act: "gelu" });
  assertEquals(gemma.scales.embedding, Math.sqrt(8));
  assertEquals(gemma.activation, "gelu_tanh");
});

test(
  "readModelConfig() passes over what changes no number, whatever its form",
  pure,
  () => {
    const plain = read();
    for (
      const keys of [
        {
          _attn_implementation: "sdpa",
          _flash_attn_2_enabled: true,
          _private: 1,
        },
        { attn_implementation: "eager", use_flash_attn: true },
        { model_name: "somebody/some-model", tokenizer_name: "another" },
        {
          bos_token: null,
          pad_token: "<pad>",
          eos_token: { content: "<eos>" },
        },
        { image_token_id: 7, vision_start_token_id: 8, stop_token_ids: [1, 2] },
        { quantization_config: {}, output_attentions: true, mystery: null },
      ]
    ) assertEquals(read(keys), plain);
    for (
      const keys of [{ per_token: 2 }, { some_token_id: "x" }, { mystery: {} }]
    ) {
      assertThrows(() => read(keys), TypeError, "is not known");
    }
  },
);
