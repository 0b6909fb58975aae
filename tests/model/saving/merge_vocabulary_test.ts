/**
 * Merging embedding and head of an adapter into bases whose names differ from Llama's: InternLM2,
 * and Gemma 3 as the text half of a vision model. mergeAdapter() itself compares the logits of the
 * merged folder with those of base and adapter.
 */
import { assert, assertEquals } from "@std/assert";
import { fromFloat32 } from "../../../src/files/safetensors/dtype.ts";
import { openSafetensors } from "../../../src/files/safetensors/safetensors.ts";
import { writeSafetensors } from "../../../src/files/safetensors/safetensors_writer.ts";
import { mergeAdapter } from "../../../src/model/saving/merge.ts";
import { writeRandomCheckpoint } from "../../../src/model/opening/random_checkpoint.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { gpuTest } from "../../kernels/gpu_test_case.ts";
import { familyConfig, type Json } from "../config_case.ts";

const HIDDEN = 8;

/** Families with the names of embedding and head in a checkpoint and in an adapter. */
const FAMILIES = [
  {
    model_type: "internlm2",
    embedding: "model.tok_embeddings.weight",
    head: "output.weight",
    inAdapter: ["model.tok_embeddings", "output"],
  },
  {
    model_type: "gemma3",
    embedding: "language_model.model.embed_tokens.weight",
    head: "language_model.lm_head.weight",
    inAdapter: ["model.language_model.embed_tokens", "lm_head"],
  },
] as const;

/** Which of the two modules an adapter has as its own, and with how many rows. */
const CASES = [
  { named: true, own: [0, 1], rows: 20, untied: true },
  { named: true, own: [0], rows: 20, untied: true },
  { named: true, own: [1], rows: 20, untied: true },
  { named: false, own: [0, 1], rows: 24, untied: false },
] as const;

for (const { model_type, embedding, head, inAdapter } of FAMILIES) {
  await gpuTest(
    `mergeAdapter() takes embedding and head under the names of ${model_type}`,
    async (device) => {
      await using folder = await temporaryFolder();
      const base = folder.file("base");
      const config = withHeadDim(familyConfig(model_type));
      await writeRandomCheckpoint(base, { config, dtype: "float32", seed: 1 });
      for (const { named, own, rows, untied } of CASES) {
        const adapter = folder.file("adapter");
        await Deno.mkdir(adapter, { recursive: true });
        const modules = own.map((at) => inAdapter[at]!);
        const tensors = modules.map((path) => ({
          name: `base_model.model.${path}.weight`,
          dtype: "F32" as const,
          shape: [rows, HIDDEN],
        }));
        await writeSafetensors(
          `${adapter}/adapter_model.safetensors`,
          [...tensors, ...lowRank(model_type)],
          ({ name, shape }) => {
            const values = Float32Array.from(
              { length: shape[0]! * shape[1]! },
              (_, i) => Math.sin(name.length + i) / 4,
            );
            return fromFloat32(values, "F32");
          },
        );
        await Deno.writeTextFile(
          `${adapter}/adapter_config.json`,
          JSON.stringify({
            peft_type: "LORA",
            r: 2,
            lora_alpha: 2,
            target_modules: ".*layers\\.0\\..*(wo|o_proj)",
            modules_to_save: named ? modules : null,
          }),
        );
        const output = folder.file("merged");
        const { difference, effect } = await mergeAdapter(device, {
          model_name_or_path: base,
          adapter_name_or_path: adapter,
          output_dir: output,
          overwrite_output_dir: true,
        });
        assert(difference < effect / 100 || !named);
        const merged = await openSafetensors(`${output}/model.safetensors`);
        assertEquals(merged.tensors.has(head), untied);
        assertEquals(merged.tensors.get(embedding)!.shape[0], rows);
        const written = JSON.parse(
          await Deno.readTextFile(`${output}/config.json`),
        );
        for (const part of [written, written.text_config ?? written]) {
          assertEquals(part.tie_word_embeddings ?? true, !untied);
        }
      }
    },
    { read: [TEMPORARY], write: [TEMPORARY], kinds: ["cpu"] },
  );
}

/** A and B of the first block's output projection. */
function lowRank(model_type: string) {
  const path = model_type === "internlm2"
    ? "model.layers.0.attention.wo"
    : "model.language_model.layers.0.self_attn.o_proj";
  return (["A", "B"] as const).map((half) => ({
    name: `base_model.model.${path}.lora_${half}.weight`,
    dtype: "F32" as const,
    shape: half === "A" ? [2, HIDDEN] : [HIDDEN, 2],
  }));
}

/** Gemma's heads are of 256 unless its config says otherwise. */
function withHeadDim(config: Json): Json {
  const inner = config["text_config"];
  return typeof inner === "object"
    ? { ...config, text_config: { ...inner, head_dim: 4 } }
    : { ...config, head_dim: 4 };
}
