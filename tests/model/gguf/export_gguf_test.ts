/**
 * Exported files read back by their own reader: names, shapes, types, numbers, metadata, and what
 * is refused.
 */
import { assert, assertEquals } from "@std/assert";
import {
  type FloatDtype,
  toFloat32,
} from "../../../src/files/safetensors/dtype.ts";
import type { GgufType } from "../../../src/files/gguf/gguf.ts";
import {
  firstBeyondBound,
  fromGguf,
} from "../../../src/files/gguf/gguf_blocks.ts";
import { type Gguf, openGguf } from "../../../src/files/gguf/gguf_reader.ts";
import { openWeights } from "../../../src/files/safetensors/weights.ts";
import { exportGguf } from "../../../src/model/gguf/export_gguf.ts";
import type { ExportGgufOptions } from "../../../src/model/gguf/export_gguf_options.ts";
import { mergeAdapter } from "../../../src/model/saving/merge.ts";
import { fixturePath } from "../../fixture_path.ts";
import {
  TEMPORARY,
  type TemporaryFolder,
  temporaryFolder,
} from "../../temporary_folder.ts";
import { writeRandomCheckpoint } from "../../../src/model/opening/random_checkpoint.ts";
import { modelTest } from "../model_test_case.ts";
import { test } from "../../test_case.ts";

function optionsOf(
  model_name_or_path: string,
  output: string,
  type: ExportGgufOptions["type"] = "f32",
): ExportGgufOptions {
  const common = { adapter_name_or_path: null, overwrite_output: false };
  return { ...common, model_name_or_path, output, type };
}

/** A test on a small checkpoint, without a device. */
function fileTest(
  name: string,
  model: string,
  body: (folder: string) => Promise<void>,
): void {
  const folder = fixturePath(`models/${model}`);
  test({
    name,
    permissions: { read: [TEMPORARY, folder], write: [TEMPORARY] },
    fn: () => body(folder),
  });
}

/** Writes a model of random weights with Qwen2's sizes and tokenizer, its config changed. */
async function writeModel(
  folder: TemporaryFolder,
  change: Readonly<Record<string, unknown>>,
): Promise<string> {
  const from = fixturePath("models/qwen2");
  const text = await Deno.readTextFile(`${from}/config.json`);
  const { use_sliding_window: _1, max_window_layers: _2, ...qwen2 } = JSON
    .parse(
      text,
    );
  const config = { ...qwen2, ...change };
  const path = folder.file("model");
  await Deno.mkdir(path);
  await folder.write("model/config.json", JSON.stringify(config));
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
    await Deno.copyFile(`${from}/${name}`, `${path}/${name}`);
  }
  await writeRandomCheckpoint(path, { config, dtype: "float32", seed: 1 });
  return path;
}

/** Numbers of a tensor of the checkpoint. */
async function stored(folder: string, name: string): Promise<Float32Array> {
  const weights = (await openWeights(folder))!;
  const { dtype } = weights.tensors.get(name)!;
  return toFloat32(await weights.read(name), dtype as FloatDtype);
}

async function exported(file: Gguf, name: string): Promise<Float32Array> {
  return fromGguf(await file.read(name), file.tensors.get(name)!.type);
}

const PAIRS = [
  ["token_embd.weight", "model.embed_tokens.weight"],
  ["output_norm.weight", "model.norm.weight"],
  ["blk.1.attn_norm.weight", "model.layers.1.input_layernorm.weight"],
  ["blk.0.attn_output.weight", "model.layers.0.self_attn.o_proj.weight"],
  ["blk.0.ffn_norm.weight", "model.layers.0.post_attention_layernorm.weight"],
  ["blk.1.ffn_gate.weight", "model.layers.1.mlp.gate_proj.weight"],
  ["blk.0.ffn_up.weight", "model.layers.0.mlp.up_proj.weight"],
  ["blk.0.ffn_down.weight", "model.layers.0.mlp.down_proj.weight"],
] as const;

async function checkPairs(
  file: Gguf,
  folder: string,
  pairs: readonly (readonly [string, string])[],
): Promise<void> {
  for (const [to, from] of pairs) {
    const { type } = file.tensors.get(to)!;
    const values = await stored(folder, from);
    const found = await exported(file, to);
    assertEquals(found.length, values.length, to);
    assertEquals(firstBeyondBound(values, found, type), undefined, to);
  }
}

const TYPES: Readonly<
  Record<ExportGgufOptions["type"], readonly [matrix: GgufType, odd: GgufType]>
> = {
  f32: ["F32", "F32"],
  f16: ["F16", "F16"],
  bf16: ["BF16", "BF16"],
  q8_0: ["Q8_0", "F16"], // rows of 144 are no whole blocks
  q4_0: ["Q4_0", "F16"],
  // no row is a multiple of 256
  q6_k: ["Q8_0", "F16"],
  q5_k_m: ["Q5_1", "F16"],
  q4_k_m: ["Q5_0", "F16"],
};
/** Of the matrix that makes the logits, where it is another one. */
const LOGITS: Readonly<Partial<Record<string, GgufType>>> = {
  q4_0: "Q8_0",
  q5_k_m: "Q8_0",
  q4_k_m: "Q8_0",
};

fileTest(
  "exportGguf() writes Qwen2 under llama.cpp's names in every type",
  "qwen2",
  async (model) => {
    await using folder = await temporaryFolder();
    for (const [type, [matrix, odd]] of Object.entries(TYPES)) {
      const output = folder.file(`${type}.gguf`);
      const wanted = type as ExportGgufOptions["type"];
      await exportGguf(undefined, optionsOf(model, output, wanted));
      const file = await openGguf(output);
      await checkPairs(file, model, [
        ...PAIRS,
        ["blk.0.attn_q.weight", "model.layers.0.self_attn.q_proj.weight"],
        ["blk.1.attn_k.bias", "model.layers.1.self_attn.k_proj.bias"],
        ["blk.1.attn_v.bias", "model.layers.1.self_attn.v_proj.bias"],
      ]);
      const typeOf = (name: string) => file.tensors.get(name)?.type;
      assertEquals(typeOf("blk.0.attn_q.weight"), matrix);
      assertEquals(typeOf("blk.0.ffn_down.weight"), odd);
      assertEquals(typeOf("blk.0.attn_q.bias"), "F32");
      assertEquals(typeOf("output_norm.weight"), "F32");
      // it makes the logits: no output.weight of its own, and not in four bits
      assertEquals(
        typeOf("token_embd.weight"),
        LOGITS[type] ?? matrix,
      );
      assertEquals(typeOf("output.weight"), undefined);
      assertEquals(file.tensors.size, 2 + 2 * 12);
    }
  },
);

fileTest(
  "exportGguf() tells llama.cpp the sizes of Qwen2",
  "qwen2",
  async (model) => {
    await using folder = await temporaryFolder();
    const output = folder.file("x.gguf");
    await exportGguf(undefined, optionsOf(model, output, "q8_0"));
    const { metadata } = await openGguf(output);
    const wanted = {
      "general.architecture": "qwen2",
      "general.file_type": 7,
      "qwen2.context_length": 512,
      "qwen2.embedding_length": 64,
      "qwen2.block_count": 2,
      "qwen2.feed_forward_length": 144,
      "qwen2.attention.head_count": 4,
      "qwen2.attention.head_count_kv": 2,
      "qwen2.attention.key_length": 16,
      "qwen2.attention.layer_norm_rms_epsilon": Math.fround(1e-6),
      "qwen2.rope.freq_base": 1_000_000,
      "qwen2.vocab_size": 600,
      "tokenizer.ggml.pre": "qwen2",
      "tokenizer.ggml.eos_token_id": 599,
      "tokenizer.ggml.add_bos_token": false,
    };
    const found = Object.keys(wanted).map((key) => [key, metadata.get(key)]);
    assertEquals(Object.fromEntries(found), wanted);
    const tokens = metadata.get("tokenizer.ggml.tokens") as string[];
    assertEquals([tokens.length, tokens[598]], [600, "<|im_start|>"]);
  },
);

/** Row of the file to row of the checkpoint: `0, head / 2, 1, head / 2 + 1, ...` in each head. */
const interleaved = (row: number, head: number) =>
  row - row % head + (row % 2) * head / 2 + Math.floor(row % head / 2);

fileTest(
  "exportGguf() puts Llama's q and k in the order of interleaved rotation",
  "llama-fp16",
  async (model) => {
    await using folder = await temporaryFolder();
    const output = folder.file("x.gguf");
    await exportGguf(undefined, optionsOf(model, output));
    const file = await openGguf(output);
    await checkPairs(file, model, [
      ...PAIRS,
      ["blk.0.attn_v.weight", "model.layers.0.self_attn.v_proj.weight"],
    ]);
    for (const kind of ["q", "k"]) {
      const from = await stored(
        model,
        `model.layers.1.self_attn.${kind}_proj.weight`,
      );
      const to = await exported(file, `blk.1.attn_${kind}.weight`);
      const cols = 96;
      for (let row = 0; row < to.length / cols; row++) {
        const source = interleaved(row, 16) * cols;
        assertEquals(
          to.subarray(row * cols, (row + 1) * cols),
          from.subarray(source, source + cols),
          `${kind} row ${row}`,
        );
      }
    }
  },
);

fileTest(
  "exportGguf() writes Llama 3's rotary scaling as divisors, and an output of its own",
  "qwen2",
  async () => {
    await using folder = await temporaryFolder();
    const model = await writeModel(folder, {
      model_type: "llama",
      tie_word_embeddings: false,
      rope_theta: 10_000,
      rope_scaling: {
        rope_type: "llama3",
        factor: 4,
        high_freq_factor: 4,
        low_freq_factor: 1,
        original_max_position_embeddings: 64,
      },
    });
    const output = folder.file("x.gguf");
    await exportGguf(undefined, optionsOf(model, output));
    const file = await openGguf(output);
    await checkPairs(file, model, [["output.weight", "lm_head.weight"]]);
    const divisors = await exported(file, "rope_freqs.weight");
    assertEquals(divisors.length, 8); // half of the head's 16
    assertEquals(divisors[0], 1); // the fastest frequency stays
    assertEquals(divisors[7], 4); // the slowest is divided by the whole factor
  },
);

fileTest(
  "exportGguf() says that a sliding window is not in the file",
  "qwen2",
  async () => {
    await using folder = await temporaryFolder();
    const model = await writeModel(folder, {
      model_type: "mistral",
      sliding_window: 7,
    });
    const output = folder.file("x.gguf");
    const { notes } = await exportGguf(undefined, optionsOf(model, output));
    assert(notes.join().includes("context_length is 7"), notes.join());
    const { metadata } = await openGguf(output);
    assertEquals(metadata.get("llama.context_length"), 7);
  },
);

await modelTest(
  "exportGguf() merges an adapter first, and leaves no other file",
  "models/qwen2",
  async (device, base) => {
    await using folder = await temporaryFolder();
    const adapter = fixturePath("peft/lora");
    const output = folder.file("x.gguf");
    await exportGguf(device, {
      ...optionsOf(base, output),
      adapter_name_or_path: adapter,
    });
    assertEquals([...Deno.readDirSync(folder.path)].length, 1);
    const merged = folder.file("merged");
    await mergeAdapter(device, {
      model_name_or_path: base,
      adapter_name_or_path: adapter,
      output_dir: merged,
      overwrite_output_dir: false,
    });
    await checkPairs(await openGguf(output), merged, PAIRS);
  },
  { read: [fixturePath("peft/lora"), TEMPORARY], write: [TEMPORARY] },
);
