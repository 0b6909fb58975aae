/** How the text half of a larger model is read: its family, its head, the names of its tensors. */
import { assertEquals, assertThrows } from "@std/assert";
import { readModelConfig } from "../../../src/model/config/config.ts";
import { weightLayouts } from "../../../src/model/weights/weight_layout.ts";
import { familyConfig, type Json } from "../config_case.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

/** The config of a composite with other keys outside and inside. */
function composite(model_type: string, outer: Json, inner: Json = {}): Json {
  const { tie_word_embeddings: _, ...text_config } = familyConfig(model_type)[
    "text_config"
  ] as Json;
  return { model_type, text_config: { ...text_config, ...inner }, ...outer };
}

test(
  "readModelConfig() ties head and embedding as the outer config says",
  pure,
  () => {
    const ties = (type: string, outer: Json, inner: Json = {}) =>
      readModelConfig(composite(type, outer, inner)).tie_word_embeddings;
    const yes = { tie_word_embeddings: true };
    const no = { tie_word_embeddings: false };
    for (
      const [type, tied] of [["mistral3", true], ["gemma3", true], [
        "qwen3_vl",
        false,
      ], ["qwen2_5_vl", false]] as const
    ) {
      assertEquals(ties(type, {}), tied, type);
      assertEquals(ties(type, no, no), false, type);
      assertEquals(ties(type, yes, no), true, type);
      assertEquals(ties(type, {}, no), tied, type);
      assertEquals(ties(type, no, yes), type === "qwen2_5_vl", type);
    }
  },
);

test("readModelConfig() reads the text half by its own family", pure, () => {
  const ministral = composite("mistral3", {}, { model_type: "ministral3" });
  assertEquals(readModelConfig(ministral).ropes.full.queryGrowth, {
    beta: 0.1,
    positions: 16_384,
  });
  const { model_type: _, ...rest } = ministral["text_config"] as Json;
  const unnamed = readModelConfig({ ...ministral, text_config: rest });
  assertEquals(unnamed.ropes.full.queryGrowth, undefined);
  const flat = { ...familyConfig("qwen2"), model_type: "qwen2_5_vl" };
  assertEquals(readModelConfig(flat).qkvBias, true);
  assertThrows(
    () => readModelConfig({ ...flat, model_type: "qwen3_vl" }),
    TypeError,
    '"text_config" is a model of type undefined, expected "qwen3_vl_text"',
  );
});

test(
  "readModelConfig() leaves out sections of positions where a family has them",
  pure,
  () => {
    const sections = { mrope_section: [1, 1], mrope_interleaved: true };
    for (const type of ["mrope", "default"]) {
      const { ropes } = readModelConfig(
        composite("qwen2_5_vl", {}, {
          rope_theta: 100,
          rope_scaling: { type, ...sections },
        }),
      );
      assertEquals([...ropes.full.inverseFrequencies], [1, 0.1]);
    }
    assertThrows(
      () =>
        readModelConfig({
          ...familyConfig("qwen2"),
          rope_scaling: { type: "mrope", ...sections },
        }),
      TypeError,
      'rope_type "mrope" is not served',
    );
  },
);

test("readModelConfig() wants both numbers by which queries grow", pure, () => {
  const yarn = { rope_type: "yarn", factor: 4 };
  const read = (rope_parameters: Json) => () =>
    readModelConfig({ ...familyConfig("ministral3"), rope_parameters });
  assertThrows(
    read({ ...yarn, original_max_position_embeddings: 8 }),
    TypeError,
    '"llama_4_scaling_beta" of "rope_parameters" is undefined',
  );
  assertThrows(
    read({ ...yarn, llama_4_scaling_beta: 0.1 }),
    TypeError,
    'no "original_max_position_embeddings"',
  );
  assertThrows(
    () =>
      readModelConfig({
        ...familyConfig("mistral"),
        rope_parameters: { ...yarn, llama_4_scaling_beta: 0.1 },
      }),
    TypeError,
    '"llama_4_scaling_beta" (0.1) of rope_type "yarn" is not known',
  );
});

test(
  "weightLayouts() names the text half as the folder's weights do",
  pure,
  () => {
    const names = (type: string, _text_names?: string) => {
      const all = weightLayouts(
        readModelConfig(
          composite(type, {
            tie_word_embeddings: false,
            ..._text_names && { _text_names },
          }),
        ),
      );
      return [all[0]!.name, all.at(-1)!.name];
    };
    const outer = [
      "language_model.model.embed_tokens.weight",
      "language_model.lm_head.weight",
    ];
    const inner = [
      "model.language_model.embed_tokens.weight",
      "lm_head.weight",
    ];
    const plain = ["model.embed_tokens.weight", "lm_head.weight"];
    assertEquals(names("mistral3"), outer);
    assertEquals(names("qwen3_vl"), inner);
    assertEquals(names("qwen2_5_vl"), plain);
    for (const type of ["gemma3", "mistral3", "qwen2_5_vl", "qwen3_vl"]) {
      assertEquals(names(type, "outer"), outer);
      assertEquals(names(type, "inner"), inner);
      assertEquals(names(type, "plain"), plain);
    }
  },
);
