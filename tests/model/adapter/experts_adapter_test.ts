/**
 * Adapters where names or rows are not Llama's: on experts, and on the text half of a larger model.
 * They are named as PEFT names linear layers, merge into what they compute, and serve one sequence
 * beside another that has none.
 */
import { assert, assertEquals } from "@std/assert";
import type { Device } from "../../../kernels/device/device.ts";
import { openSafetensors } from "../../../src/files/safetensors/safetensors.ts";
import { writeSafetensors } from "../../../src/files/safetensors/safetensors_writer.ts";
import { addAdapter } from "../../../src/model/adapter/adapter.ts";
import {
  adapterConfigJson,
  PLAIN_ADAPTER,
} from "../../../src/model/adapter/adapter_config.ts";
import { linearPaths } from "../../../src/model/adapter/adapter_layout.ts";
import { createKvCache } from "../../../src/model/decoder/kv_cache.ts";
import {
  nextLogits,
  sequenceLogits,
} from "../../../src/model/decoder/logits.ts";
import { mergeAdapter } from "../../../src/model/saving/merge.ts";
import type { Model } from "../../../src/model/decoder/model.ts";
import { putAdapter } from "../../../src/model/opening/open_model.ts";
import { seeded } from "../../kernels/numbers.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { modelTest, openTestModel } from "../model_test_case.ts";
import { fixturePath } from "../../fixture_path.ts";
import { assertClose, readReferenceTokens } from "../reference_tokens.ts";

const ADAPTER = {
  r: 3,
  lora_alpha: 6,
  lora_dropout: 0,
  target_modules: "all-linear",
  ...PLAIN_ADAPTER,
};

/** Writes an adapter of random numbers on all linear layers. */
async function writeAdapter(model: Model, folder: string): Promise<void> {
  addAdapter(model, ADAPTER, 1);
  const halves = linearPaths(model).flatMap(([, { lora }]) =>
    lora ? [lora.a, lora.b] : []
  );
  const tensors = halves.map(({ name, matrix }, i) => ({
    name,
    dtype: "F32" as const,
    shape: [matrix.rows, matrix.cols],
    values: seeded(matrix.rows * matrix.cols, i, 0.3),
  }));
  await writeSafetensors(
    `${folder}/adapter_model.safetensors`,
    tensors,
    ({ name }) => {
      const { values } = tensors.find((tensor) => tensor.name === name)!;
      return new Uint8Array(values.buffer);
    },
  );
  await Deno.writeTextFile(
    `${folder}/adapter_config.json`,
    JSON.stringify(adapterConfigJson(ADAPTER, "base")),
  );
}

async function checkAdapter(device: Device, base: string): Promise<void> {
  await using folder = await temporaryFolder();
  await writeAdapter(await openTestModel(device, base), folder.path);
  const report = await mergeAdapter(device, {
    model_name_or_path: base,
    adapter_name_or_path: folder.path,
    output_dir: folder.file("merged"),
    overwrite_output_dir: false,
  });
  assert(report.difference <= report.bound);
  assert(report.effect > 0.1, `the adapter moves logits by ${report.effect}`);
  const [before, after] = await Promise.all(
    [base, folder.file("merged")].map((path) =>
      openSafetensors(`${path}/model.safetensors`)
    ),
  );
  assertEquals([...after!.tensors.keys()], [...before!.tensors.keys()]);
  const model = await openTestModel(device, base);
  await putAdapter(model, folder.path);
  const tokens = [5, 40, 11, 2, 33];
  const cache = createKvCache(model, 8, 2);
  const together = await nextLogits(model, cache, [
    { sequence: 0, tokens, adapters: true },
    { sequence: 1, tokens, adapters: false },
  ]);
  for (const [i, adapters] of [true, false].entries()) {
    const pieces = sequenceLogits(model, tokens, { adapters });
    const all = (await Array.fromAsync(pieces)).flatMap((piece) => [...piece]);
    const last = all.slice(-model.config.vocab_size);
    assertClose(together[i]!, last, 2e-5, `adapters ${adapters}`);
  }
}

for (const name of ["olmoe", "qwen2_moe", "gemma3-vision"]) {
  await modelTest(
    `an adapter on all linear layers of ${name} merges and serves one of two sequences`,
    `models/${name}`,
    checkAdapter,
    { write: [TEMPORARY], read: [TEMPORARY], kinds: ["cpu", "gpu"] },
  );
}

const PATHS: Readonly<Record<string, readonly string[]>> = {
  qwen2_moe: [
    "model.layers.1.mlp.gate",
    "model.layers.1.mlp.experts.3.down_proj",
    "model.layers.1.mlp.shared_expert.up_proj",
    "model.layers.1.mlp.shared_expert_gate",
    "model.layers.0.mlp.gate_proj",
  ],
  mixtral: [
    "model.layers.0.block_sparse_moe.gate",
    "model.layers.1.block_sparse_moe.experts.3.w2",
  ],
  "gemma3-vision": ["model.language_model.layers.1.self_attn.q_proj"],
};

for (const [name, paths] of Object.entries(PATHS)) {
  await modelTest(
    `linearPaths() of ${name} are those of PEFT`,
    `models/${name}`,
    async (device, folder) => {
      const model = await openTestModel(device, folder);
      const found = linearPaths(model).map(([path]) => path);
      for (const path of paths) assert(found.includes(path), path);
    },
  );
}

const golden = fixturePath("peft/olmoe");

await modelTest(
  "an adapter on the experts and routers of olmoe gives the logits of PEFT",
  "models/olmoe",
  async (device, folder) => {
    const model = await openTestModel(device, folder);
    await putAdapter(model, golden);
    const want = await readReferenceTokens(`${golden}/expected.safetensors`);
    const logits = await want.rows("adapted_logits");
    for (const [i, ids] of want.sequences.entries()) {
      const pieces = await Array.fromAsync(sequenceLogits(model, ids));
      const got = pieces.flatMap((piece) => [...piece]);
      assertClose(got, logits[i]!, 1e-4, `logits of sequence ${i}`);
    }
  },
  { read: [golden], kinds: ["cpu", "gpu"] },
);
