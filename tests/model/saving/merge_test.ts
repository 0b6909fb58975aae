/** Merged weights and logits against PEFT's own, and what a merge refuses. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Device } from "../../../kernels/device/device.ts";
import { lockFolder, lockOutput } from "../../../src/files/disk/lock.ts";
import { openModelFolder } from "../../../src/files/folders/model_folder.ts";
import { openAdapterFolder } from "../../../src/files/folders/adapter_folder.ts";
import {
  type FloatDtype,
  fromFloat32,
} from "../../../src/files/safetensors/dtype.ts";
import { openSafetensors } from "../../../src/files/safetensors/safetensors.ts";
import { writeSafetensors } from "../../../src/files/safetensors/safetensors_writer.ts";
import { mergeAdapter } from "../../../src/model/saving/merge.ts";
import { addLowRank } from "../../../src/model/adapter/low_rank.ts";
import { sequenceLogits } from "../../../src/model/decoder/logits.ts";
import { fixturePath } from "../../fixture_path.ts";
import {
  adapterBase,
  compared,
  referenceEntries,
  type ReferenceEntry,
} from "../../reference_dir.ts";
import { referenceGpuTest } from "../../reference_gpu_test_case.ts";
import { eachCase } from "../../reference_test_case.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { modelTest, openTestModel } from "../model_test_case.ts";
import { assertClose, readReferenceTokens } from "../reference_tokens.ts";
import { test } from "../../test_case.ts";

const lora = fixturePath("peft/lora");

const writing = { write: [TEMPORARY] };

function optionsOf(base: string, adapter: string, output_dir: string) {
  return {
    model_name_or_path: base,
    adapter_name_or_path: adapter,
    output_dir,
    overwrite_output_dir: false,
  };
}

async function readFloats(path: string): Promise<Map<string, Float32Array>> {
  const file = await openSafetensors(path);
  const values = new Map<string, Float32Array>();
  for (const name of file.tensors.keys()) {
    values.set(name, new Float32Array((await file.read(name)).buffer));
  }
  return values;
}

async function checkMerge(
  device: Device,
  base: string,
  adapter: string,
): Promise<void> {
  await using folder = await temporaryFolder();
  const output = folder.file("merged");
  const report = await mergeAdapter(device, optionsOf(base, adapter, output));
  assert(report.difference <= report.bound, JSON.stringify(report));
  assert(report.bound < report.effect, JSON.stringify(report));
  const namesIn = (folder: string) =>
    Array.from(Deno.readDirSync(folder))
      .flatMap(({ name, isFile }) => isFile ? [name] : []).sort();
  assertEquals(namesIn(output), [...namesIn(base), "manifest.json"].sort());
  assertEquals(
    Deno.readTextFileSync(`${output}/config.json`),
    Deno.readTextFileSync(`${base}/config.json`),
  );
  await checkTensors(base, output, adapter);
  const model = await openTestModel(device, output);
  const want = await readReferenceTokens(`${adapter}/expected.safetensors`);
  const logits = await want.rows("adapted_logits");
  for (const [i, ids] of want.sequences.entries()) {
    const got = (await Array.fromAsync(sequenceLogits(model, ids)))
      .flatMap((piece) => [...piece]);
    assertClose(got, logits[i]!, 1e-4, `logits of sequence ${i}`);
  }
}

async function checkTensors(
  base: string,
  output: string,
  adapter: string,
): Promise<void> {
  const [before, after, want] = await Promise.all(
    [
      `${base}/model.safetensors`,
      `${output}/model.safetensors`,
      `${adapter}/expected.safetensors`,
    ].map(readFloats),
  );
  assertEquals([...after!.keys()].sort(), [...before!.keys()].sort());
  const { weights } = await openAdapterFolder(adapter);
  for (const [name, values] of after!) {
    const half = `base_model.model.${
      name.replace(".weight", "")
    }.lora_A.weight`;
    const merged = want!.get(`merged.${name}`);
    if (merged) {
      assertClose(values, merged, 1e-6, name);
    }
    const own = [half, `base_model.model.${name}`];
    if (!own.some((tensor) => weights.tensors.has(tensor))) {
      assertEquals(values, before!.get(name));
    }
  }
}

/** The adapters that PEFT merged into their base. */
async function* mergedAdapters(): AsyncGenerator<ReferenceEntry> {
  for (const entry of referenceEntries("peft")) {
    const path = `${entry.folder}/expected.safetensors`;
    const names = [...(await openSafetensors(path)).tensors.keys()];
    if (names.some((name) => name.startsWith("merged."))) yield entry;
  }
}

await referenceGpuTest(
  "mergeAdapter() gives PEFT's weights and logits",
  async (device, context) => {
    const cases = await Array.fromAsync(mergedAdapters());
    await eachCase(context, cases, async (entry) => {
      await checkMerge(device, adapterBase(entry), entry.folder);
      compared("merges");
    }, device);
  },
  { read: [TEMPORARY], write: [TEMPORARY], kinds: ["cpu"] },
);

/**
 * A copy of an f32 model whose matrices are stored in another type, with a head of other numbers
 * under the given name.
 */
async function storeAs(
  dtype: FloatDtype,
  base: string,
  copy: string,
  head?: string,
): Promise<void> {
  const values = await readFloats(`${base}/model.safetensors`);
  const { tensors } = await openSafetensors(`${base}/model.safetensors`);
  const layout = [...tensors];
  if (head !== undefined) {
    const embedding = "model.embed_tokens.weight";
    layout.push([head, tensors.get(embedding)!]);
    values.set(head, values.get(embedding)!.map((x) => 0.5 - x));
  }
  await Deno.mkdir(copy);
  for (const name of ["config.json", "tokenizer.json"]) {
    await Deno.writeFile(
      `${copy}/${name}`,
      await Deno.readFile(`${base}/${name}`),
    );
  }
  await writeSafetensors(
    `${copy}/model.safetensors`,
    layout.map(([name, { shape }]) => ({ name, dtype, shape })),
    ({ name }) =>
      fromFloat32(values.get(name)! as Float32Array<ArrayBuffer>, dtype),
  );
}

for (const dtype of ["BF16", "F16"] as const) {
  await modelTest(
    `mergeAdapter() keeps ${dtype} weights in their type and tells what rounding costs`,
    "models/qwen2",
    async (device, base) => {
      await using folder = await temporaryFolder();
      const copy = folder.file("base");
      await storeAs(dtype, base, copy);
      const output = folder.file("merged");
      const report = await mergeAdapter(
        device,
        optionsOf(copy, lora, output),
      );
      assert(report.difference > 1e-4, "rounding showed nowhere");
      assert(report.difference < report.bound, JSON.stringify(report));
      assert(report.bound < report.effect, JSON.stringify(report));
      const { tensors } = await openSafetensors(`${output}/model.safetensors`);
      for (const info of tensors.values()) assertEquals(info.dtype, dtype);
    },
    { ...writing, read: [lora, TEMPORARY] },
  );
}

await modelTest(
  "mergeAdapter() keeps a base's own head and takes an adapter's own templates",
  "models/qwen2",
  async (device, base) => {
    await using folder = await temporaryFolder();
    const copy = folder.file("base");
    await storeAs("F32", base, copy, "lm_head.weight");
    const adapter = folder.file("adapter");
    await Deno.mkdir(adapter);
    for (const name of ["adapter_config.json", "adapter_model.safetensors"]) {
      await Deno.copyFile(`${lora}/${name}`, `${adapter}/${name}`);
    }
    const list = ["default", "tool_use"].map((name) => ({
      name,
      template: `its ${name}`,
    }));
    const config = JSON.stringify({ chat_template: list });
    await Deno.writeTextFile(`${adapter}/tokenizer_config.json`, config);
    const output = folder.file("merged");
    const report = await mergeAdapter(device, optionsOf(copy, adapter, output));
    assert(report.difference <= report.bound, JSON.stringify(report));
    const merged = await openModelFolder(output);
    const text = await Deno.readTextFile(`${output}/config.json`);
    assertEquals(JSON.parse(text).tie_word_embeddings, false);
    assert(merged.weights.tensors.has("lm_head.weight"));
    assertEquals(merged.chatTemplate, "its default");
    assertEquals(merged.namedTemplates, { tool_use: "its tool_use" });
  },
  { ...writing, read: [lora, TEMPORARY] },
);

await modelTest(
  "mergeAdapter() takes an adapter's own tokenizer and generation config, and the base's template",
  "models/qwen2",
  async (device, base) => {
    await using folder = await temporaryFolder();
    const [copy, adapter] = [folder.file("base"), folder.file("adapter")];
    await storeAs("F32", base, copy);
    const write = (path: string, value: unknown) =>
      Deno.writeTextFile(path, JSON.stringify(value));
    await write(`${copy}/tokenizer_config.json`, { chat_template: "base's" });
    await write(`${copy}/added_tokens.json`, { "<old>": 1 });
    await write(`${copy}/generation_config.json`, { top_k: 1 });
    await Deno.mkdir(adapter);
    for (const name of ["adapter_config.json", "adapter_model.safetensors"]) {
      await Deno.copyFile(`${lora}/${name}`, `${adapter}/${name}`);
    }
    const own = { "tokenizer.json": { own: 1 }, "tokenizer_config.json": {} };
    for (const [name, value] of Object.entries(own)) {
      await write(`${adapter}/${name}`, value);
    }
    await write(`${adapter}/generation_config.json`, { top_k: 2 });
    const output = folder.file("merged");
    await mergeAdapter(device, optionsOf(copy, adapter, output));
    const merged = await openModelFolder(output);
    assertEquals(merged.tokenizer, { own: 1 });
    assertEquals(merged.generationConfig, { top_k: 2 });
    assertEquals(merged.chatTemplate, "base's");
    const names = Array.from(Deno.readDirSync(output), ({ name }) => name);
    assert(!names.includes("added_tokens.json"), names.join());
  },
  { ...writing, read: [lora, TEMPORARY] },
);

await modelTest(
  "mergeAdapter() never replaces what it merges, nor anything else unasked",
  "models/qwen2",
  async (device, base) => {
    await using folder = await temporaryFolder();
    await folder.write("kept.txt", "kept");
    await folder.write(".lock", ""); // left over by a program that was killed
    await assertRejects(
      () => mergeAdapter(device, optionsOf(base, lora, folder.path)),
      TypeError,
      'it holds "kept.txt"',
    );
    for (const output of [base, lora, `${lora}/..`]) {
      const options = {
        ...optionsOf(base, lora, output),
        overwrite_output_dir: true,
      };
      await assertRejects(
        () => mergeAdapter(device, options),
        TypeError,
        "which is merged",
      );
    }
    const overwriting = {
      ...optionsOf(base, lora, folder.path),
      overwrite_output_dir: true,
    };
    for (const lock of [lockFolder, lockOutput]) {
      await using _other = await lock(folder.path);
      await assertRejects(
        () => mergeAdapter(device, overwriting),
        Error,
        `process ${Deno.pid}`,
      );
    }
    await mergeAdapter(device, overwriting);
    assert(
      !Array.from(Deno.readDirSync(folder.path), ({ name }) => name)
        .includes("kept.txt"),
    );
  },
  { ...writing, read: [lora, TEMPORARY] },
);

await modelTest(
  "mergeAdapter() leaves nothing behind when it is stopped",
  "models/qwen2",
  async (device, base) => {
    await using folder = await temporaryFolder();
    const stop = new AbortController();
    const options = optionsOf(base, lora, folder.file("merged"));
    await assertRejects(
      () =>
        mergeAdapter(device, options, {
          signal: stop.signal,
          onMerge: () => stop.abort(new RangeError("stopped")),
        }),
      RangeError,
      "stopped",
    );
    assertEquals([...Deno.readDirSync(folder.path)], []);
  },
  { ...writing, read: [lora, TEMPORARY] },
);

test("addLowRank() adds scale times B A to the rows from firstRow on", {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
}, () => {
  const change = {
    a: Float32Array.of(1, 2, 3, 10, 20, 30), // [2, 3]
    b: Float32Array.of(9, 9, 1, 0, 2, -1), // [3, 2]
    rank: 2,
    scale: 0.5,
  };
  const rows = Float32Array.of(100, 100, 100, 0, 0, 0); // rows 1 and 2
  addLowRank(rows, 1, change);
  assertEquals([...rows], [100.5, 101, 101.5, -4, -8, -12]);
});

test("addLowRank() brings each row to its magnitude", {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
}, () => {
  const change = {
    a: Float32Array.of(1, 2), // [1, 2]
    b: Float32Array.of(1, 2), // [2, 1]
    m: Float32Array.of(10, 1),
    rank: 1,
    scale: 1,
  };
  const rows = Float32Array.of(2, 2, 0, 0);
  addLowRank(rows, 0, change);
  // (3, 4) of length 5 becomes one of length 10; (2, 4) of length sqrt 20 one of length 1
  const [x, y] = [2, 4].map((value) => Math.fround(value / Math.sqrt(20)));
  assertEquals([...rows], [6, 8, x!, y!]);
});

await modelTest(
  "mergeAdapter() leaves a config with a head of its own as it is written",
  "models/nanochat",
  async (device, base) => {
    await using folder = await temporaryFolder();
    const adapter = folder.file("adapter");
    Deno.mkdirSync(adapter);
    const config = {
      peft_type: "LORA",
      base_model_name_or_path: base,
      r: 1,
      lora_alpha: 1,
      target_modules: ["fc1"],
      layers_to_transform: [0],
    };
    Deno.writeTextFileSync(
      `${adapter}/adapter_config.json`,
      JSON.stringify(config),
    );
    const path = "base_model.model.model.layers.0.mlp.fc1";
    const layouts = [
      { name: `${path}.lora_A.weight`, dtype: "F32", shape: [1, 24] },
      { name: `${path}.lora_B.weight`, dtype: "F32", shape: [28, 1] },
    ] as const;
    await writeSafetensors(
      `${adapter}/adapter_model.safetensors`,
      layouts,
      async function* ({ shape: [rows, cols] }) {
        const values = new Float32Array(rows! * cols!).fill(0.25);
        yield await Promise.resolve(fromFloat32(values, "F32"));
      },
    );
    const output = folder.file("merged");
    await mergeAdapter(device, optionsOf(base, adapter, output));
    const text = Deno.readTextFileSync(`${output}/config.json`);
    assertEquals(text, Deno.readTextFileSync(`${base}/config.json`));
    assert(text.includes('"final_logit_softcapping": 3.0'));
  },
  { read: [TEMPORARY], write: [TEMPORARY] },
);
