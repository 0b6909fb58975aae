import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  openModelFiles,
  openModelFolder,
  requireTokenizer,
} from "../../../src/files/folders/model_folder.ts";
import { writeSafetensors } from "../../../src/files/safetensors/safetensors_writer.ts";
import {
  TEMPORARY,
  type TemporaryFolder,
  temporaryFolder,
} from "../../temporary_folder.ts";
import { fixturePath, FIXTURES } from "../../fixture_path.ts";
import {
  compared,
  entryFile,
  referenceEntries,
  type ReferenceEntry,
} from "../../reference_dir.ts";
import { eachCase, referenceTest } from "../../reference_test_case.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

/** Writes byte tensors of two elements. */
function writeTensors(
  folder: TemporaryFolder,
  name: string,
  tensors: Record<string, number>,
) {
  const layout = Object.keys(tensors).map((name) => ({
    name,
    dtype: "U8" as const,
    shape: [2],
  }));
  return writeSafetensors(
    folder.file(name),
    layout,
    ({ name }) => new Uint8Array(2).fill(tensors[name]!),
  );
}

async function modelFolder(
  files: Record<string, unknown> = {},
): Promise<TemporaryFolder> {
  const folder = await temporaryFolder();
  for (
    const [name, value] of Object.entries({
      "config.json": { model_type: "qwen2" },
      ...files,
    })
  ) {
    await folder.write(
      name,
      typeof value === "string" ? value : JSON.stringify(value),
    );
  }
  return folder;
}

test(
  "openModelFolder() reads the JSON files, the template and one file of weights",
  OPTIONS,
  async () => {
    await using folder = await modelFolder({
      "generation_config.json": { eos_token_id: [1] },
      "tokenizer.json": { version: "1.0" },
      "tokenizer_config.json": { chat_template: "old" },
      "special_tokens_map.json": { eos_token: "e" },
      "chat_template.jinja": "new",
    });
    await writeTensors(folder, "model.safetensors", { a: 7 });
    const { weights, ...files } = await openModelFolder(folder.path);
    assertEquals(files, {
      path: folder.path,
      config: { model_type: "qwen2" },
      generationConfig: { eos_token_id: [1] },
      tokenizer: { version: "1.0" },
      tokenizerConfig: { chat_template: "old" },
      specialTokensMap: { eos_token: "e" },
      chatTemplate: "new",
    });
    assertEquals(await weights.read("a"), Uint8Array.of(7, 7));
  },
);

test(
  "openModelFiles() takes the template of tokenizer_config.json, or the default of its list",
  OPTIONS,
  async () => {
    for (
      const [found, wanted] of [
        ["text", "text"],
        [[{ name: "tool_use", template: "t" }, {
          name: "default",
          template: "d",
        }], "d"],
        [[{ name: "tool_use", template: "t" }], undefined],
      ] as const
    ) {
      await using folder = await modelFolder({
        "tokenizer_config.json": { chat_template: found },
      });
      assertEquals((await openModelFiles(folder.path)).chatTemplate, wanted);
    }
  },
);

test(
  "openModelFolder() merges the shards of an index",
  OPTIONS,
  async () => {
    await using folder = await modelFolder({
      "model.safetensors.index.json": {
        weight_map: {
          a: "1.safetensors",
          b: "2.safetensors",
          c: "1.safetensors",
        },
      },
    });
    await writeTensors(folder, "1.safetensors", { a: 1, c: 3 });
    await writeTensors(folder, "2.safetensors", { b: 2 });
    const { weights } = await openModelFolder(folder.path);
    assertEquals([...weights.tensors.keys()], ["a", "b", "c"]);
    assertEquals(weights.files.length, 2);
    for (const [name, value] of [["a", 1], ["b", 2], ["c", 3]] as const) {
      assertEquals(await weights.read(name), Uint8Array.of(value, value));
      for await (const { bytes } of weights.chunks(name)) {
        assertEquals(
          bytes[0],
          value,
        );
      }
    }
    await assertRejects(
      async () => await weights.read("d"),
      TypeError,
      'no tensor "d"',
    );
  },
);

test(
  "openModelFolder() names all missing shards, all missing tensors",
  OPTIONS,
  async () => {
    const index = (map: Record<string, string>) =>
      JSON.stringify({ weight_map: map });
    await using folder = await modelFolder({
      "model.safetensors.index.json": index({
        a: "1.safetensors",
        b: "2.safetensors",
        c: "3.safetensors",
      }),
    });
    await writeTensors(folder, "1.safetensors", { a: 1 });
    const shards = await assertRejects(
      () => openModelFolder(folder.path),
      RangeError,
    );
    assertStringIncludes(
      shards.message,
      'shard "2.safetensors" is missing; shard "3.safetensors" is missing',
    );
    await folder.write(
      "model.safetensors.index.json",
      index({ a: "1.safetensors", x: "1.safetensors", y: "1.safetensors" }),
    );
    const tensors = await assertRejects(
      () => openModelFolder(folder.path),
      RangeError,
    );
    assertStringIncludes(
      tensors.message,
      'tensor "x" is not in "1.safetensors"; tensor "y" is not',
    );
    await folder.write(
      "model.safetensors.index.json",
      index({ a: "../1.safetensors" }),
    );
    await assertRejects(
      () => openModelFolder(folder.path),
      TypeError,
      'tensor "a" is in "../1.safetensors"',
    );
  },
);

test(
  "openModelFolder() refuses pickles by name and tells of missing weights",
  OPTIONS,
  async () => {
    await using pickled = await modelFolder({ "pytorch_model.bin": "x" });
    await assertRejects(
      () => openModelFolder(pickled.path),
      TypeError,
      'found only pickled weights "pytorch_model.bin"',
    );
    await using bare = await modelFolder();
    await assertRejects(
      () => openModelFolder(bare.path),
      Deno.errors.NotFound,
      'neither "model.safetensors" nor',
    );
    assertEquals((await openModelFiles(bare.path)).config, {
      model_type: "qwen2",
    });
  },
);

test(
  "openModelFolder() tells of a missing folder, a missing config.json, broken JSON with its line",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    await assertRejects(
      () => openModelFolder(folder.file("none")),
      Deno.errors.NotFound,
      "no such folder",
    );
    await assertRejects(
      () => openModelFolder(folder.path),
      Deno.errors.NotFound,
      'config.json": no such file',
    );
    const path = await folder.write("config.json", '{\n"a": 1,\n"b" 2}');
    await assertRejects(
      () => openModelFolder(folder.path),
      SyntaxError,
      'config.json" line 3: broken JSON',
    );
    await assertRejects(
      () => openModelFolder(path),
      TypeError,
      "found a file, expected a folder",
    );
  },
);

test(
  "requireTokenizer() names the files of the older layout",
  OPTIONS,
  async () => {
    await using folder = await modelFolder({
      "vocab.json": {},
      "merges.txt": "",
    });
    const files = await openModelFiles(folder.path);
    await assertRejects(
      () => requireTokenizer(files),
      Deno.errors.NotFound,
      '"tokenizer.json" is missing, found only "merges.txt", "vocab.json"',
    );
  },
);

/** Whether a folder's files, read by hand, have a chat template. */
function hasTemplate(entry: ReferenceEntry): boolean {
  if (entryFile(entry, "chat_template.jinja")) return true;
  const config = entryFile(entry, "tokenizer_config.json");
  if (config === undefined) return false;
  return "chat_template" in JSON.parse(Deno.readTextFileSync(config));
}

referenceTest(
  "openModelFolder() opens every model",
  (context) =>
    eachCase(context, referenceEntries("models"), async (entry) => {
      const folder = await openModelFolder(entry.folder);
      assertEquals(folder.chatTemplate !== undefined, hasTemplate(entry));
      const { weights } = folder;
      const [name, { bytes }] = [...weights.tensors].at(-1)!;
      assertEquals((await weights.read(name)).length, bytes);
      compared("model folders");
    }),
);

test("the fixtures have models with a chat template and without one", {
  permissions: { read: [FIXTURES] },
}, () => {
  const has = (name: string) =>
    hasTemplate({
      name,
      root: FIXTURES,
      folder: fixturePath(`models/${name}`),
    });
  assertEquals([has("qwen2"), has("ernie4_5")], [true, false]);
});
