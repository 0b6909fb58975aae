/**
 * A random checkpoint is whole, is the same for the same seed, and has the numbers that a new model
 * starts from.
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { openModelFolder } from "../../../src/files/folders/model_folder.ts";
import { toFloat32 } from "../../../src/files/safetensors/dtype.ts";
import { readModelConfig } from "../../../src/model/config/config.ts";
import { writeRandomCheckpoint } from "../../../src/model/opening/random_checkpoint.ts";
import { weightLayouts } from "../../../src/model/weights/weight_layout.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

const CONFIG = {
  model_type: "qwen2",
  hidden_size: 12,
  intermediate_size: 20,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  vocab_size: 301,
  max_position_embeddings: 64,
  initializer_range: 0.5,
  tie_word_embeddings: true,
};

test(
  "writeRandomCheckpoint() writes every tensor of the config in the type asked for",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const count = await writeRandomCheckpoint(folder.path, {
      config: CONFIG,
      dtype: "bfloat16",
      seed: 1,
    });
    const { config, weights } = await openModelFolder(folder.path);
    assertEquals(config["torch_dtype"], "bfloat16");
    const layouts = weightLayouts(readModelConfig(config));
    assertEquals(weights.tensors.size, layouts.length);
    for (const { name, shape } of layouts) {
      const { dtype, shape: found } = weights.tensors.get(name)!;
      assertEquals([dtype, ...found], ["BF16", ...shape]);
    }
    // embedding 301 x 12; a layer: q 12 x 12 + 12, k and v 6 x 12 + 6, o 12 x 12, three of 12 x 20,
    // two norms; a norm
    const layer = 156 + 2 * 78 + 144 + 3 * 240 + 24;
    assertEquals(count, 301 * 12 + 2 * layer + 12);
  },
);

test(
  "writeRandomCheckpoint() draws normal numbers of initializer_range, norms of 1 and biases of 0",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    await writeRandomCheckpoint(folder.path, {
      config: CONFIG,
      dtype: "float32",
      seed: 1,
    });
    const { weights } = await openModelFolder(folder.path);
    const read = async (name: string) =>
      toFloat32(await weights.read(name), "F32");
    assertEquals(
      await read("model.norm.weight"),
      new Float32Array(12).fill(1),
    );
    assertEquals(
      await read("model.layers.1.self_attn.k_proj.bias"),
      new Float32Array(6),
    );
    const values = await read("model.embed_tokens.weight");
    const squares = values.reduce((sum, value) => sum + value * value, 0);
    // 3,612 numbers: the deviation is known to 1 in sqrt(2 * 3,612) = 85; four times that
    assertAlmostEquals(Math.sqrt(squares / values.length), 0.5, 0.5 * 4 / 85);
  },
);

test(
  "writeRandomCheckpoint() gives the same file for the same seed, another for another",
  OPTIONS,
  async () => {
    const written = [];
    for (const seed of [7, 7, 8]) {
      await using folder = await temporaryFolder();
      await writeRandomCheckpoint(folder.path, {
        config: CONFIG,
        dtype: "float16",
        seed,
      });
      written.push(await Deno.readFile(folder.file("model.safetensors")));
    }
    const [first, again, other] = written;
    assertEquals(first, again);
    assert(first!.some((byte, i) => byte !== other![i]));
  },
);
