/** Options of single families: what each reads, and what it refuses by name. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  type ModelConfig,
  readModelConfig,
} from "../../../src/model/config/config.ts";
import { weightLayouts } from "../../../src/model/weights/weight_layout.ts";
import { familyConfig, type Json } from "../config_case.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

/** The config of a family without some of its keys, and with others. */
function read(
  model_type: string,
  changes: Json = {},
  without: readonly string[] = [],
): ModelConfig {
  const keys = Object.entries({ ...familyConfig(model_type), ...changes });
  return readModelConfig(
    Object.fromEntries(keys.filter(([key]) => !without.includes(key))),
  );
}

function refuses(
  model_type: string,
  changes: Json,
  said: string,
  without: readonly string[] = [],
): void {
  assertThrows(() => read(model_type, changes, without), TypeError, said);
}

test(
  "granitemoehybrid is served where all layers attend and none has experts",
  pure,
  () => {
    const type = "granitemoehybrid";
    const all = ["full_attention", "attention", "attention"];
    assertEquals(read(type, { layer_types: all }).windows.length, 3);
    const mamba = ["attention", "mamba", "attention"];
    refuses(type, { layer_types: mamba }, '"layer_types" has "mamba"');
    refuses(type, {}, '"layer_types" is undefined', ["layer_types"]);
    refuses(type, {}, '"num_local_experts" is 8, only 0 is served', [
      "num_local_experts",
    ]);
    assertEquals(
      read(type, {}, ["shared_intermediate_size"]).intermediate_size,
      1024,
    );
    const rotates = (changes: Json) =>
      read(type, changes).layerRopes[0] !== undefined;
    assertEquals(rotates({ position_embedding_type: "rope" }), true);
    assertEquals(
      rotates({ position_embedding_type: "nope", rope_theta: 100 }),
      false,
    );
    assertEquals(rotates({}), false);
    const { scales } = read(type);
    assertEquals(scales, {
      embedding: 1,
      residual: 1,
      attention: 1,
      logits: 1,
    });
  },
);

test("cohere has norms of heads where use_qk_norm is true", pure, () => {
  const names = (changes: Json) =>
    weightLayouts(read("cohere", changes)).filter(({ name }) =>
      name.includes("q_norm")
    )
      .map(({ shape }) => shape);
  assertEquals(names({}), []);
  assertEquals(names({ use_qk_norm: true })[0], [2, 4]);
  const { scales, rms_norm_eps, parallel } = read("cohere", {
    layer_norm_eps: 0.5,
  });
  assertEquals([scales.logits, rms_norm_eps, parallel], [0.0625, 0.5, true]);
});

test("cohere2 rotates where a window slides, and nowhere else", pure, () => {
  const ropes = (changes: Json) => read("cohere2", changes).layerRopes;
  assertEquals(ropes({ num_hidden_layers: 5 }), [
    "sliding",
    "sliding",
    "sliding",
    undefined,
    "sliding",
  ]);
  assertEquals(ropes({ sliding_window_pattern: 2 }), [
    "sliding",
    undefined,
    "sliding",
  ]);
  assertEquals(ropes({ sliding_window: null }), [
    undefined,
    undefined,
    undefined,
  ]);
  refuses(
    "cohere2",
    { use_parallel_block: false },
    '"use_parallel_block" is false',
  );
});

test("gpt_neox reads its older keys", pure, () => {
  const { ropes: { full }, parallel, qkvBias } = read("gpt_neox", {
    head_dim: 8,
    rotary_pct: 0.5,
    rotary_emb_base: 100,
  });
  assertEquals([...full.inverseFrequencies], [1, 0.1]);
  assertEquals([full.rotaryDim, parallel, qkvBias], [4, true, true]);
  assertEquals(
    read("gpt_neox", { use_parallel_residual: false, head_dim: 8 }).parallel,
    false,
  );
  const names = weightLayouts(
    read("gpt_neox", { head_dim: 8, tie_word_embeddings: false }),
  )
    .map(({ name }) => name);
  assertEquals(names[0], "gpt_neox.embed_in.weight");
  assertEquals(names.slice(-3), [
    "gpt_neox.final_layer_norm.weight",
    "gpt_neox.final_layer_norm.bias",
    "embed_out.weight",
  ]);
});

test("families without a gate name their activations", pure, () => {
  assertEquals(read("gpt_neox", { head_dim: 8 }).activation, "gelu");
  assertEquals(
    read("gpt_neox", { head_dim: 8, hidden_act: "gelu_fast" }).activation,
    "gelu_tanh",
  );
  assertEquals(read("apertus").activation, "xielu");
  assertEquals(read("nanochat").activation, "relu2");
  refuses("llama", { hidden_act: "xielu" }, '"hidden_act" is "xielu"');
  refuses("llama", { hidden_act: "gelu" }, '"hidden_act" is "gelu"');
  const numbers = weightLayouts(read("apertus")).filter(({ name }) =>
    name.includes("act_fn")
  );
  assertEquals(numbers.length, 12);
  assertEquals(
    numbers.filter(({ vector }) => vector?.frozen).map(({ shape }) =>
      shape.length
    ),
    Array(6).fill(0),
  );
});

test("nanochat has no weights of norms, and turns the other way", pure, () => {
  const config = read("nanochat");
  assertEquals(
    weightLayouts(config).filter(({ name }) => name.includes("norm")),
    [],
  );
  assertEquals([config.ropes.full.reversed, config.final_logit_softcapping], [
    true,
    15,
  ]);
  assertEquals(
    read("nanochat", { final_logit_softcapping: null }).final_logit_softcapping,
    undefined,
  );
});
