/**
 * Families as llama.cpp has them: every tensor gets a name, and what an architecture lacks is said.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { TensorReader } from "../../../src/files/safetensors/safetensors.ts";
import { readModelConfig } from "../../../src/model/config/config.ts";
import {
  ARCHITECTURES,
  ggufArchitecture,
} from "../../../src/model/gguf/gguf_architectures.ts";
import { ggufHyperparameters } from "../../../src/model/gguf/gguf_names.ts";
import { ggufRope } from "../../../src/model/gguf/gguf_rope.ts";
import { ggufSources } from "../../../src/model/gguf/gguf_tensors.ts";
import { weightLayouts } from "../../../src/model/weights/weight_layout.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

type Json = Readonly<Record<string, unknown>>;

const SIZES = {
  vocab_size: 96,
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 512,
  rms_norm_eps: 1e-5,
  head_dim: 16,
};
const GEMMA = {
  hidden_activation: "gelu_pytorch_tanh",
  tie_word_embeddings: true,
};

/** What a family's config has beside its sizes. */
const FAMILIES: Readonly<Record<string, Json>> = {
  gemma: GEMMA,
  gemma2: {
    ...GEMMA,
    query_pre_attn_scalar: 16,
    sliding_window: 8,
    attn_logit_softcapping: 50,
    final_logit_softcapping: 30,
  },
  gemma3_text: {
    ...GEMMA,
    query_pre_attn_scalar: 16,
    sliding_window: 8,
    rope_theta: 1e6,
    rope_local_base_freq: 10000,
  },
  glm4: { partial_rotary_factor: 0.5 },
  granite: {
    embedding_multiplier: 3,
    residual_multiplier: 0.5,
    attention_multiplier: 0.1,
    logits_scaling: 2,
  },
  olmo3: { sliding_window: 8 },
  smollm3: { no_rope_layers: [1, 1, 1, 0] },
};

const configOf = (model_type: string, more: Json = {}) => ({
  ...SIZES,
  model_type,
  ...FAMILIES[model_type],
  ...more,
});

/** A checkpoint whose numbers are all one. */
function ones(json: Json): TensorReader {
  const tensors = weightLayouts(readModelConfig(json)).map((
    { name, shape },
  ) => {
    const bytes = 4 * shape.reduce((a, b) => a * b);
    const info = { name, dtype: "F32" as const, shape, offset: 0, bytes };
    return [name, info] as const;
  });
  const byName = new Map(tensors);
  const read = (name: string) => {
    const values = new Float32Array(byName.get(name)!.bytes / 4).fill(1);
    return new Uint8Array(values.buffer);
  };
  return {
    tensors: byName,
    files: ["ones"],
    read: (name) => Promise.resolve(read(name)),
    async *chunks(name) {
      yield await Promise.resolve({ offset: 0, bytes: read(name) });
    },
  };
}

const sourcesOf = (json: Json) =>
  ggufSources(readModelConfig(json), ones(json), "F32");

test(
  "ggufSources() names every tensor of every family in the table",
  pure,
  () => {
    for (const family of Object.keys(ARCHITECTURES)) {
      const names = sourcesOf(configOf(family)).map(({ name }) => name);
      assertEquals(new Set(names).size, names.length, family);
      assert(
        names.every((name) =>
          /^(token_embd|output|output_norm|blk\.\d\.(attn|ffn|post)_\w+)\.(weight|bias)$/
            .test(name)
        ),
      );
    }
  },
);

test(
  "ggufSources() uses the names of fused and of further norms' tensors",
  pure,
  () => {
    const inBlock = (family: string) =>
      sourcesOf(configOf(family)).map(({ name }) => name)
        .filter((name) => name.startsWith("blk.0."))
        .map((name) => name.slice(6).replace(".weight", "")).sort();
    assertEquals(inBlock("phi3"), [
      "attn_norm",
      "attn_output",
      "attn_qkv",
      "ffn_down",
      "ffn_norm",
      "ffn_up",
    ]);
    assertEquals(inBlock("glm"), [
      "attn_k",
      "attn_k.bias",
      "attn_norm",
      "attn_output",
      "attn_q",
      "attn_q.bias",
      "attn_v",
      "attn_v.bias",
      "ffn_down",
      "ffn_norm",
      "ffn_up",
    ]);
    assertEquals(inBlock("gemma3_text"), [
      "attn_k",
      "attn_k_norm",
      "attn_norm",
      "attn_output",
      "attn_q",
      "attn_q_norm",
      "attn_v",
      "ffn_down",
      "ffn_gate",
      "ffn_norm",
      "ffn_up",
      "post_attention_norm",
      "post_ffw_norm",
    ]);
  },
);

test(
  "ggufSources() adds a family's offset to norms and to nothing else",
  pure,
  async () => {
    for (const { name, pieces } of sourcesOf(configOf("gemma2"))) {
      const wanted = name.endsWith("norm.weight") ? 2 : 1;
      for await (const piece of pieces()) {
        assert(piece.every((x) => x === wanted), name);
      }
    }
  },
);

function keysOf(json: Json): Record<string, unknown> {
  const config = readModelConfig(json);
  const architecture = ggufArchitecture(config);
  const { metadata } = ggufHyperparameters(config, architecture);
  const all = [...metadata, ...ggufRope(config, json, architecture).metadata];
  return Object.fromEntries(
    all.map(([key, value]) => [key, "value" in value && value.value]),
  );
}

test(
  "ggufHyperparameters() writes scales, caps, windows and partial rotation where there is a key",
  pure,
  () => {
    const has = (family: string, wanted: Json) => {
      const found = keysOf(configOf(family));
      for (const [key, value] of Object.entries(wanted)) {
        assertEquals(found[key], value, key);
      }
    };
    has("granite", {
      "granite.embedding_scale": 3,
      "granite.residual_scale": 0.5,
      "granite.attention.scale": 0.1,
      "granite.logit_scale": 2,
    });
    has("olmo3", { "olmo2.attention.sliding_window": 8 });
    has("gemma2", {
      "gemma2.attn_logit_softcapping": 50,
      "gemma2.final_logit_softcapping": 30,
      "gemma2.attention.sliding_window": 8,
      "gemma2.context_length": 512,
    });
    has("gemma3_text", { "gemma3.rope.freq_base": 1e6 });
    has("glm4", { "glm4.rope.dimension_count": 8 });
  },
);

test(
  "ggufRope() reads the base of either layout, one record per kind of layer too",
  pure,
  () => {
    const rope = { rope_type: "default", rope_theta: 5e5 };
    const base = (family: string, more: Json) => {
      const name = ARCHITECTURES[family]!.name;
      return keysOf(configOf(family, more))[`${name}.rope.freq_base`];
    };
    assertEquals(base("llama", { rope_parameters: rope }), 5e5);
    assertEquals(base("llama", {}), 10_000);
    const local = { ...rope, rope_theta: 10_000 };
    assertEquals(
      base("gemma3_text", {
        rope_theta: undefined,
        rope_local_base_freq: undefined,
        rope_parameters: { full_attention: rope, sliding_attention: local },
      }),
      5e5,
    );
    const linear = { rope_type: "linear", factor: 4 };
    const found = keysOf(configOf("qwen3", { rope_scaling: linear }));
    assertEquals(found["qwen3.rope.scaling.factor"], 4);
  },
);

test(
  "ggufArchitecture() refuses what llama.cpp computes otherwise",
  pure,
  () => {
    const refused = (family: string, more: Json, found: string) =>
      assertThrows(() => keysOf(configOf(family, more)), TypeError, found);
    refused("gemma2", { query_pre_attn_scalar: 40 }, "its scales");
    refused("gemma2", { attn_logit_softcapping: null }, "its softcapping");
    refused("smollm3", { no_rope_layers: [1, 0, 1, 0] }, "without rotation");
    refused(
      "exaone4",
      { sliding_window: 8 },
      'model_type "exaone4" has no row',
    );
    refused(
      "gemma3_text",
      { rope_local_base_freq: 5000 },
      "expected the base 10000",
    );
    const yarn = { rope_type: "yarn", factor: 4 };
    refused("qwen2", { rope_scaling: yarn }, "attention factor");
    refused("olmo3", { rope_scaling: yarn }, "attention factor");
    const types = ["full_attention", ...Array(3).fill("sliding_attention")];
    refused("olmo3", { layer_types: types }, "sliding window");
  },
);
