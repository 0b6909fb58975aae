import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { openAdapterFolder } from "../../../src/files/folders/adapter_folder.ts";
import {
  openModelFiles,
  openModelFolder,
} from "../../../src/files/folders/model_folder.ts";
import { findTuned } from "../../../src/files/folders/tuned_folder.ts";
import { isAdapterFolder } from "../../../src/files/folders/adapter_as_model.ts";
import { writeSafetensors } from "../../../src/files/safetensors/safetensors_writer.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

test(
  "openAdapterFolder() reads an adapter, refuses a pickled one",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    assertEquals(await isAdapterFolder(folder.path), false);
    await folder.write("adapter_config.json", '{"r": 8}');
    await assertRejects(
      () => openAdapterFolder(folder.path),
      Deno.errors.NotFound,
      '"adapter_model.safetensors" is missing',
    );
    await folder.write("adapter_model.bin", "");
    await assertRejects(
      () => openAdapterFolder(folder.path),
      TypeError,
      '"adapter_model.bin"',
    );
    await writeSafetensors(
      folder.file("adapter_model.safetensors"),
      [{ name: "a", dtype: "U8", shape: [1] }],
      () => new Uint8Array(1),
    );
    const adapter = await openAdapterFolder(folder.path);
    assertEquals([adapter.config, [...adapter.weights.tensors.keys()]], [{
      r: 8,
    }, ["a"]]);
    assertEquals(await isAdapterFolder(folder.path), true);
  },
);

test(
  "openAdapterFolder() names what another program left there",
  OPTIONS,
  async () => {
    const folders: readonly [string, string][] = [
      ["adapters.safetensors", "an adapter of mlx-lm"],
      ["adapters.npz", "an adapter of mlx-lm"],
      ["my_lora.safetensors", "raw tensors of another program"],
      ["adapter_model.safetensors", 'tensors without "adapter_config.json"'],
      ["adapter-f16.gguf", "a file of llama.cpp"],
    ];
    for (const [name, said] of folders) {
      await using folder = await temporaryFolder();
      await folder.write(name, "");
      for (const open of [openAdapterFolder, findTuned]) {
        const error = await assertRejects(
          () => open(folder.path),
          Deno.errors.NotFound,
          said,
        );
        assertStringIncludes(error.message, `found "${name}"`);
      }
      if (name.startsWith("adapter_model")) continue;
      await folder.write("adapter_config.json", '{"fine_tune_type": "lora"}');
      await assertRejects(
        () => openAdapterFolder(folder.path),
        Deno.errors.NotFound,
        said,
      );
    }
  },
);

test(
  "openModelFiles() says of which base a folder is the adapter",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const config = JSON.stringify({ base_model_name_or_path: "owner/base" });
    await folder.write("adapter_config.json", config);
    const said = 'it is an adapter of "owner/base", no whole model';
    const { NotFound } = Deno.errors;
    await assertRejects(() => openModelFiles(folder.path), NotFound, said);
    await folder.write("config.json", "{}");
    await assertRejects(() => openModelFolder(folder.path), NotFound, said);
  },
);
