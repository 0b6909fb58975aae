/** What a config.json of somebody else may say: sizes without a bound, foreign words, odd kinds. */
import { assert, assertThrows } from "@std/assert";
import { readModelConfig } from "../../../src/model/config/config.ts";
import { type Json, QWEN2 } from "../config_case.ts";
import { test } from "../../test_case.ts";

/** What is said of a config with these keys. */
function refusal(changes: Json): string {
  const { message } = assertThrows(
    () => readModelConfig({ ...QWEN2, ...changes }),
    TypeError,
  );
  assert(message.startsWith("Cannot load model: "), message);
  assert(message.length < 10_000, `${message.length} characters`);
  return message;
}

test("readModelConfig() refuses sizes that no model has, before it makes room for them", () => {
  const cases: readonly [string, number, number][] = [
    ["num_hidden_layers", 1e9, 10_000],
    ["num_attention_heads", 1e9, 10_000],
    ["num_key_value_heads", 1e9, 10_000],
    ["hidden_size", 2 ** 31, 2 ** 20],
    ["intermediate_size", 2 ** 53, 2 ** 20],
    ["vocab_size", 1e12, 10_000_000],
    ["max_position_embeddings", 1e15, 100_000_000],
  ];
  for (const [key, size, most] of cases) {
    const found = `"${key}" is ${size}, expected a positive integer of at most`;
    assert(refusal({ [key]: size }).includes(`${found} ${most}`), key);
  }
  const heads = QWEN2["num_attention_heads"] as number;
  const most = Math.floor(2 ** 20 / heads);
  const found = refusal({ head_dim: 2 ** 31 });
  assert(found.includes(`expected a positive integer of at most ${most}`));
});

test("readModelConfig() refuses more experts than fit in all layers", () => {
  const experts = {
    model_type: "qwen3_moe",
    num_hidden_layers: 10_000,
    moe_intermediate_size: 8,
    num_experts: 10_000,
    num_experts_per_tok: 2,
    norm_topk_prob: true,
  };
  const found =
    '"num_experts" is 10000, expected a positive integer of at most 20';
  assert(refusal(experts).includes(found));
});

test("readModelConfig() takes no word of JavaScript for one of a config", () => {
  for (
    const word of ["constructor", "toString", "__proto__", "hasOwnProperty"]
  ) {
    assert(
      refusal({ model_type: word }).includes(`model_type "${word}" in`),
    );
    assert(refusal({ hidden_act: word }).includes(`"hidden_act" is "${word}"`));
    const rope_scaling = { rope_type: word, factor: 2 };
    assert(refusal({ rope_scaling }).includes(`rope_type "${word}" is not`));
    if (word.startsWith("_")) continue; // such keys are private, and say nothing
    const key = JSON.parse(`{"${word}": 3}`);
    assert(refusal(key).includes(`"${word}" (3) is not known`), word);
  }
});

test("readModelConfig() refuses values of another kind in words of its own", () => {
  const odd: readonly unknown[] = [[], {}, [[]], { toString: 1 }, "x", true];
  const keys = [
    ...["model_type", "hidden_size", "num_hidden_layers", "head_dim"],
    ...["hidden_act", "rms_norm_eps", "rope_theta"],
  ];
  for (const key of keys) {
    for (const value of odd) {
      refusal({ [key]: value });
      refusal({ rope_scaling: { rope_type: value, factor: 2 } });
    }
  }
  refusal({ layer_types: [{ toString: 1 }, null, {}] });
});

test("readModelConfig() refuses numbers that give NaN or nothing", () => {
  const cases: readonly [Json, string][] = [
    [{ rms_norm_eps: -1 }, '"rms_norm_eps" is -1, expected a number of 0 to 1'],
    [
      { model_type: "granite", logits_scaling: 0 },
      '"logits_scaling" is 0, expected a positive number, 1e-30 to 1e30',
    ],
    [
      { model_type: "gemma2", query_pre_attn_scalar: -1 },
      '"query_pre_attn_scalar" is -1, expected a positive number',
    ],
    [
      { model_type: "gemma2", final_logit_softcapping: 1e999 },
      '"final_logit_softcapping" is null, expected a positive number',
    ],
    [
      { model_type: "mistral", sliding_window: 2 ** 53 },
      '"sliding_window" is 9007199254740992, expected a positive integer',
    ],
    ...[0, 0.5, -1, 2 ** 53].map((original): [Json, string] => [
      { model_type: "phi3", original_max_position_embeddings: original },
      `"original_max_position_embeddings" is ${original}, expected a positive`,
    ]),
    [
      { rope_scaling: { rope_type: "yarn", factor: 2, attention_factor: -1 } },
      'rope_type "yarn" wants a positive number "attention_factor", found -1',
    ],
    [
      {
        rope_scaling: {
          rope_type: "yarn",
          factor: 2,
          beta_fast: 0,
          beta_slow: 0,
        },
      },
      'rope_type "yarn" wants a positive number "beta_fast", found 0; rope_type "yarn" wants a positive number "beta_slow", found 0',
    ],
    [{ rope_theta: 1e999 }, '"rope_theta" is null, expected a number of 1 to'],
    [{ rope_theta: 1e-300 }, '"rope_theta" is 1e-300, expected a number of 1'],
    [{ initializer_range: -1 }, '"initializer_range" is -1, expected'],
    ...[[], "linear", 2].flatMap((value): [Json, string][] =>
      ["rope_scaling", "rope_parameters"].map((key) => [
        { [key]: value },
        `"${key}" is ${JSON.stringify(value)}, expected an object or null`,
      ])
    ),
    ...[0, -2, 1.5].map((every): [Json, string] => [
      { model_type: "gemma3_text", sliding_window_pattern: every },
      `"sliding_window_pattern" is ${every}, expected a positive integer`,
    ]),
    [
      { model_type: "smollm3", no_rope_layer_interval: 0 },
      '"no_rope_layer_interval" is 0, expected a positive integer',
    ],
    [
      { rope_scaling: { rope_type: "linear", factor: 1e-300 } },
      'wants a number of at least 1 and at most 1e6 as "factor", found 1e-300',
    ],
    [
      { model_type: "glm4", partial_rotary_factor: 1e9 },
      "expected an even number up to that",
    ],
  ];
  for (const [keys, found] of cases) assert(refusal(keys).includes(found));
});

test("readModelConfig() refuses numbers of rotations that no published model has", () => {
  const llama3 = {
    rope_type: "llama3",
    factor: 8,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 64,
  };
  const yarn = { rope_type: "yarn", factor: 4 };
  const longrope = { rope_type: "longrope", long_factor: [1, 1] };
  const cases: readonly [Json, string][] = [
    [{ ...llama3, factor: 1e300 }, '"factor", found 1e+300'],
    [{ ...llama3, low_freq_factor: -1 }, '"low_freq_factor", found -1'],
    [{ ...llama3, high_freq_factor: 1e-300 }, "found 1e-300"],
    [{ ...yarn, attention_factor: "x" }, '"attention_factor", found "x"'],
    [{ ...yarn, attention_factor: 1e-300 }, "found 1e-300"],
    [{ ...yarn, attention_factor: 1e6 }, "give a rotation that is none"],
    [{ ...yarn, beta_slow: -1 }, '"beta_slow", found -1'],
    [{ ...yarn, mscale: "1" }, '"mscale", found "1"'],
    [{ ...yarn, truncate: "no" }, 'true or false as "truncate", found "no"'],
    [
      { ...longrope, short_factor: [1, 1e-300] },
      "give a rotation that is none",
    ],
  ];
  for (const [rope_scaling, found] of cases) {
    assert(refusal({ rope_scaling }).includes(found), found);
  }
  // what is null is as if it were absent
  readModelConfig({
    ...QWEN2,
    rope_scaling: { ...yarn, attention_factor: null, truncate: null },
  });
});

test("readModelConfig() shows the beginning of what is long", () => {
  const many = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, i) => [`key_${i}`, 1]),
  );
  assert(refusal(many).endsWith("; and 9980 more"));
  assert(
    refusal({ ["k".repeat(1e6)]: 1 }).includes("... (1000002 characters)"),
  );
  assert(refusal({ hidden_size: "x".repeat(1e6) }).includes("..."));
  assert(refusal({ model_type: "x".repeat(1e6) }).includes("..."));
});
