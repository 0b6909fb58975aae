/** A head in the file that differs from the embedding counts, whatever the config ties. */
import { assertEquals, assertMatch } from "@std/assert";
import { listenToNotes } from "../../../src/base/notes.ts";
import type { JsonObject } from "../../../src/files/disk/json_file.ts";
import { configByHead } from "../../../src/files/folders/own_head.ts";
import { writeSafetensors } from "../../../src/files/safetensors/safetensors_writer.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const permissions = { read: [TEMPORARY], write: [TEMPORARY] };

/** The config by a file of such tensors, and what was told. */
async function resolved(
  config: JsonObject,
  tensors: Readonly<Record<string, readonly number[]>>,
): Promise<{ config: JsonObject; told: string[] }> {
  await using folder = await temporaryFolder();
  const layout = Object.entries(tensors).map(([name, { length }]) => ({
    name,
    dtype: "F32" as const,
    shape: [length, 1],
  }));
  await writeSafetensors(
    folder.file("model.safetensors"),
    layout,
    ({ name }) => new Uint8Array(Float32Array.from(tensors[name]!).buffer),
  );
  const told: string[] = [];
  using _ = listenToNotes((line) => told.push(line));
  return { config: await configByHead(folder.path, config), told };
}

const EMBEDDING = "model.embed_tokens.weight";

test("configByHead() unties a head that differs, and tells it once", {
  permissions,
}, async () => {
  const files = [
    { [EMBEDDING]: [1, 2], "lm_head.weight": [1, 3] },
    { [EMBEDDING]: [1, 2], "lm_head.weight": [1, 2, 3] },
    { "model.tok_embeddings.weight": [1, 2], "output.weight": [1, 3] },
  ];
  for (const file of files) {
    const { config, told } = await resolved(
      { tie_word_embeddings: true },
      file,
    );
    assertEquals(config, { tie_word_embeddings: false });
    assertEquals(told.length, 1);
    assertMatch(told[0]!, /lm_head.*tie_word_embeddings is true/);
  }
});

test(
  "configByHead() unties inner and outer config, whichever of them counts",
  {
    permissions,
  },
  async () => {
    for (const inner of [true, false]) {
      const text_config = { tie_word_embeddings: inner, hidden_size: 1 };
      const { config } = await resolved({ text_config, vision_config: {} }, {
        "language_model.model.embed_tokens.weight": [1],
        "language_model.lm_head.weight": [2],
      });
      assertEquals(config, {
        text_config: { tie_word_embeddings: false, hidden_size: 1 },
        vision_config: {},
        tie_word_embeddings: false,
      });
    }
  },
);

test(
  "configByHead() leaves the config where head and embedding are one, or none is tied",
  {
    permissions,
  },
  async () => {
    const tied = { tie_word_embeddings: true };
    for (
      const [config, file] of [
        [tied, { [EMBEDDING]: [1, 2], "lm_head.weight": [1, 2] }],
        [tied, { [EMBEDDING]: [1, 2] }],
        [tied, {}],
        [{ tie_word_embeddings: false }, {
          [EMBEDDING]: [1],
          "lm_head.weight": [2],
        }],
      ] as const
    ) {
      assertEquals(await resolved(config, file), { config, told: [] });
    }
    await using empty = await temporaryFolder();
    assertEquals(await configByHead(empty.path, tied), tied);
    await empty.write("pytorch_model.bin", "a pickle, which others refuse");
    assertEquals(await configByHead(empty.path, tied), tied);
  },
);
