/**
 * Adapters whose file brings embedding or head: their logits equal those of a base that has these
 * weights itself, with the same adapter. Four such adapters gave PEFT 0.21's log-probabilities
 * within 1e-4.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Device } from "../../../kernels/device/device.ts";
import { toFloat32 } from "../../../src/files/safetensors/dtype.ts";
import { openSafetensors } from "../../../src/files/safetensors/safetensors.ts";
import { writeSafetensors } from "../../../src/files/safetensors/safetensors_writer.ts";
import { sequenceLogits } from "../../../src/model/decoder/logits.ts";
import { savedParts } from "../../../src/model/decoder/model.ts";
import {
  openModel,
  putAdapter,
} from "../../../src/model/opening/open_model.ts";
import { mergeAdapter } from "../../../src/model/saving/merge.ts";
import { fixturePath } from "../../fixture_path.ts";
import {
  TEMPORARY,
  type TemporaryFolder,
  temporaryFolder,
} from "../../temporary_folder.ts";
import { modelTest } from "../model_test_case.ts";
import { assertClose } from "../reference_tokens.ts";

const lora = fixturePath("peft/lora");
const access = { read: [lora, TEMPORARY], write: [TEMPORARY] };
const EMBEDDING = "model.embed_tokens.weight";
const HEAD = "lm_head.weight";
const IDS = [5, 99, 300, 7, 42];

type Tensors = Map<string, { shape: readonly number[]; values: Float32Array }>;

async function readTensors(path: string): Promise<Tensors> {
  const file = await openSafetensors(path);
  const tensors: Tensors = new Map();
  for (const [name, { shape }] of file.tensors) {
    tensors.set(name, {
      shape,
      values: toFloat32(await file.read(name), "F32"),
    });
  }
  return tensors;
}

/** A copy of a folder with further tensors and changed keys of its config. */
async function changed(
  folder: TemporaryFolder,
  from: string,
  [config, weights]: readonly [config: string, weights: string],
  further: Tensors,
  keys: Record<string, unknown>,
): Promise<string> {
  const path = folder.file(crypto.randomUUID());
  await Deno.mkdir(path);
  const json = JSON.parse(await Deno.readTextFile(`${from}/${config}`));
  const text = JSON.stringify({ ...json, ...keys });
  await Deno.writeTextFile(`${path}/${config}`, text);
  const all = await readTensors(`${from}/${weights}`);
  for (const [name, tensor] of further) all.set(name, tensor);
  await writeSafetensors(
    `${path}/${weights}`,
    [...all].map(([name, { shape }]) => ({ name, dtype: "F32", shape })),
    ({ name }) => new Uint8Array(all.get(name)!.values.slice().buffer),
  );
  return path;
}

async function logits(device: Device, base: string, adapter: string) {
  using _scope = device.scope();
  const { model } = await openModel(device, base);
  const adapted = await putAdapter(model, adapter);
  const pieces = await Array.fromAsync(sequenceLogits(adapted, IDS));
  return {
    logits: pieces.flatMap((piece) => [...piece]),
    saved: savedParts(adapted).map(({ name }) => name),
  };
}

/** Some numbers for a matrix of 64 columns, small and all different. */
function matrix(rows: number, seed: number) {
  const values = Float32Array.from(
    { length: rows * 64 },
    (_, i) => Math.sin(seed + i * 0.7) / 5,
  );
  return { shape: [rows, 64], values };
}

const [e, h, resized] = [matrix(600, 1), matrix(600, 2), matrix(604, 3)];

/** What an adapter's file and config have further, and the base that is the same without it. */
const CASES: readonly {
  readonly what: string;
  readonly file: Record<string, typeof e>;
  readonly keys?: Record<string, unknown>;
  readonly base: Record<string, typeof e>;
  readonly config?: Record<string, unknown>;
}[] = [
  {
    what: "both",
    file: { [EMBEDDING]: e, [HEAD]: e },
    base: { [EMBEDDING]: e },
  },
  { what: "the embedding", file: { [EMBEDDING]: e }, base: { [EMBEDDING]: e } },
  { what: "the head", file: { [HEAD]: h }, base: { [EMBEDDING]: h } },
  {
    what: "both, larger",
    file: { [EMBEDDING]: resized, [HEAD]: resized },
    base: { [EMBEDDING]: resized },
    config: { vocab_size: 604 },
  },
  {
    what: "a named embedding that stays tied",
    file: { [EMBEDDING]: e },
    keys: { modules_to_save: ["embed_tokens"], ensure_weight_tying: true },
    base: { [EMBEDDING]: e },
  },
  {
    what: "a named embedding alone",
    file: { [EMBEDDING]: e },
    keys: { modules_to_save: ["embed_tokens"] },
    base: { [EMBEDDING]: e, [HEAD]: e }, // the head is the old embedding, see below
    config: { tie_word_embeddings: false },
  },
];

await modelTest(
  "loadAdapter() takes embedding and head of the file, named by the config or not",
  "models/qwen2",
  async (device, qwen2) => {
    await using folder = await temporaryFolder();
    const own = await readTensors(`${qwen2}/model.safetensors`);
    for (const { what, file, keys = {}, base, config = {} } of CASES) {
      const inFile = Object.entries(file).map(([name, tensor]) =>
        [`base_model.model.${name}`, tensor] as const
      );
      const adapter = await changed(
        folder,
        lora,
        ["adapter_config.json", "adapter_model.safetensors"],
        new Map(inFile),
        keys,
      );
      const weights = new Map(Object.entries(base));
      if (what === "a named embedding alone") {
        weights.set(HEAD, own.get(EMBEDDING)! as typeof e);
      }
      const same = await changed(
        folder,
        qwen2,
        ["config.json", "model.safetensors"],
        weights,
        config,
      );
      const got = await logits(device, qwen2, adapter);
      const want = await logits(device, same, lora);
      assertClose(got.logits, want.logits, 1e-5, what);
      assert(got.saved.length > 0, `${what}: saved with the adapter`);
      const { difference, bound } = await mergeAdapter(device, {
        model_name_or_path: qwen2,
        adapter_name_or_path: adapter,
        output_dir: folder.file("merged"),
        overwrite_output_dir: true,
      });
      assert(difference <= bound, what);
      const merged = await Deno.readTextFile(
        folder.file("merged/config.json"),
      );
      const { vocab_size } = JSON.parse(merged);
      assertEquals(vocab_size, config["vocab_size"] ?? 600, what);
    }
  },
  access,
);

await modelTest(
  "loadAdapter() refuses an embedding with more rows than the head",
  "models/qwen2",
  async (device, qwen2) => {
    await using folder = await temporaryFolder();
    const adapter = await changed(
      folder,
      lora,
      ["adapter_config.json", "adapter_model.safetensors"],
      new Map([[`base_model.model.${EMBEDDING}`, resized]]),
      { modules_to_save: ["embed_tokens"] },
    );
    const { model } = await openModel(device, qwen2);
    await assertRejects(
      () => putAdapter(model, adapter),
      TypeError,
      "with it the embedding has 604 rows and the head 600",
    );
  },
  access,
);
