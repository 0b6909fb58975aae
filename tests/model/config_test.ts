import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import { readModelConfig } from "../../src/model/config.ts";
import { type Json, QWEN2 } from "./config_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const read = (changes: Json = {}) => readModelConfig({ ...QWEN2, ...changes });
const frequencies = (changes: Json) => [
  ...read(changes).rope.inverseFrequencies,
];

Deno.test(
  "readModelConfig() takes sizes from the config and derives the rest",
  pure,
  () => {
    const config = read();
    assertEquals([config.head_dim, config.activation], [4, "silu"]);
    assertEquals([config.qkvBias, config.outputBias, config.headNorm], [
      true,
      false,
      false,
    ]);
    assertEquals(config.windows, [undefined, undefined, undefined]);
    assertEquals(read({ head_dim: 6 }).head_dim, 6);
    assertEquals(read({ model_type: "llama" }).qkvBias, false);
    assertEquals(
      read({ model_type: "llama", attention_bias: true }).outputBias,
      true,
    );
    assertEquals(read({ model_type: "qwen3" }).headNorm, true);
  },
);

Deno.test(
  "readModelConfig() names an unknown model_type and those it knows",
  pure,
  () => {
    for (const model_type of ["mamba", undefined]) {
      assertThrows(
        () => read({ model_type }),
        TypeError,
        `Cannot load model: model_type "${model_type}" in config.json is not known, expected one of llama, mistral, qwen2, qwen3`,
      );
    }
  },
);

Deno.test(
  "readModelConfig() names all that is unknown, missing or not served at once",
  pure,
  () => {
    const { message } = assertThrows(() =>
      read({
        attn_logit_softcapping: 50,
        logit_scale: 2,
        attention_dropout: 0.1,
        hidden_size: undefined,
        hidden_act: "swiglu",
        num_key_value_heads: 3,
        vocab_size: "20",
        tie_word_embeddings: 1,
      }), TypeError);
    for (
      const part of [
        '"attn_logit_softcapping" (50) is not known',
        '"logit_scale" is 2, only 1 or null is served',
        '"attention_dropout" is 0.1, only 0 or null is served',
        '"hidden_size" is undefined, expected a positive integer',
        '"hidden_act" is "swiglu", expected one of silu',
        '"num_attention_heads" is 2, expected a multiple of "num_key_value_heads" 3',
        '"vocab_size" is "20", expected a positive integer',
        '"tie_word_embeddings" is 1, expected true or false',
      ]
    ) assert(message.includes(part), `${part} in ${message}`);
  },
);

Deno.test(
  "readModelConfig() passes over keys that change nothing",
  pure,
  () => {
    read({
      architectures: ["Qwen2ForCausalLM"],
      attention_dropout: 0,
      torch_dtype: "bfloat16",
      transformers_version: "4.46.0",
      use_cache: true,
      pad_token_id: null,
    });
  },
);

Deno.test("readModelConfig() reads rope from both layouts alike", pure, () => {
  // 500^(-2i / 4)
  const plain = [1, 1 / Math.sqrt(500)];
  assertEquals(frequencies({ rope_theta: 500, rope_scaling: null }), plain);
  assertEquals(
    frequencies({ rope_parameters: { rope_theta: 500, rope_type: "default" } }),
    plain,
  );
  assertEquals(frequencies({}), [1, 1 / 100], "10000 where nothing is said");
  const halved = [0.5, 0.5 / Math.sqrt(500)];
  for (
    const config of [
      { rope_theta: 500, rope_scaling: { type: "linear", factor: 2 } },
      { rope_parameters: { rope_theta: 500, rope_type: "linear", factor: 2 } },
    ]
  ) assertEquals(frequencies(config), halved);
});

Deno.test(
  "readModelConfig() slows Llama 3's slow frequencies, and blends in between",
  pure,
  () => {
    const scaling = {
      rope_type: "llama3",
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 64,
    };
    // theta 100, head_dim 6: frequencies 1, 100^(-1/3) = 0.21544, 100^(-2/3) = 0.046416;
    // turns over 64 positions: 10.186 > 4 is kept, 2.1945 is blended, 0.47279 < 1 is divided by 8
    const found = frequencies({
      head_dim: 6,
      rope_theta: 100,
      rope_scaling: scaling,
    });
    const middle = 100 ** (-1 / 3);
    const blend = (64 * middle / (2 * Math.PI) - 1) / 3; // 0.39818
    assertEquals(found[0], 1);
    assertAlmostEquals(
      found[1]!,
      (1 - blend) * middle / 8 + blend * middle,
      1e-15,
    );
    assertAlmostEquals(found[1]!, 0.10199, 1e-5);
    assertAlmostEquals(found[2]!, 100 ** (-2 / 3) / 8, 1e-15);
    assertEquals(
      frequencies({
        head_dim: 6,
        rope_parameters: { ...scaling, rope_theta: 100 },
      }),
      found,
    );
  },
);

Deno.test(
  "readModelConfig() refuses kinds of rope that it cannot compute",
  pure,
  () => {
    const refuses = (rope: Json, message: string) =>
      assertThrows(() => read(rope), TypeError, message);
    refuses(
      { rope_scaling: { rope_type: "yarn", factor: 4, beta_fast: 32 } },
      'rope_type "yarn" is not served, expected one of default, linear, llama3',
    );
    refuses(
      { rope_scaling: { rope_type: "llama3", factor: 8, low_freq_factor: 1 } },
      'rope_type "llama3" wants a number "high_freq_factor", found undefined; rope_type "llama3" wants a number "original_max_position_embeddings"',
    );
    refuses(
      { rope_parameters: { rope_theta: 1e4, partial_rotary_factor: 0.5 } },
      '"partial_rotary_factor" (0.5) of rope_type "default" is not known',
    );
    refuses(
      { rope_theta: -1 },
      '"rope_theta" is -1, expected a positive number',
    );
    refuses({ head_dim: 5 }, '"head_dim" is 5, expected an even number');
  },
);

Deno.test(
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

Deno.test(
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
